/*
 * Becomes make -j4 with n targets, each of which is two commands and a pipe.
 *
 * A real program has no ledger: only the kernel's account says which tasks came and went.
 *
 * param: n=12
 * want: main: exit 0
 * want: *: at least 3*n exit 0
 * needs: command:make witness
 * set: long
 */
#include "fixture.h"

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	int file = syscall(SYS_memfd_create, "Makefile", 0); /* make opens it by /proc/PID/fd */
	must(file >= 0, "memfd_create");
	must(dprintf(file, "all:") > 0, "dprintf");
	for (long i = 0, n = param("n", "12"); i < n; i++)
		must(dprintf(file, " t%ld", i) > 0, "dprintf");
	must(dprintf(file, "\n.PHONY: all\nt%%:\n\t@true | cat\n") > 0, "dprintf");
	char name[32];
	snprintf(name, sizeof name, "/proc/%d/fd/%d", getpid(), file);
	execlp("make", "make", "-j4", "-f", name, NULL);
	must(0, "make");
}
