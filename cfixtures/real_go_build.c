/*
 * Becomes the go command, which builds some packages of the standard library anew.
 *
 * A real program has no ledger: only the kernel's account says which tasks came and went.
 *
 * want: main: exit 0
 * want: *: at least 8 clone *, at least 8 exit 0
 * needs: command:go witness
 * set: long
 */
#include "fixture.h"

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	must(!chdir("/"), "chdir"); /* outside of every module */
	execlp("go", "go", "build", "-a", "-o", "/dev/null", "errors", NULL);
	must(0, "go");
}
