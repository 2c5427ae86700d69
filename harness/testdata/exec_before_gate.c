/*
 * Executes itself again and again, until a child process has passed the gate.
 *
 * want: main: fork main/1, at least 1 exec, exit 0
 * want: main/1: exit 0
 */
#include "process.h"

int main(int argc, char **argv)
{
	(void)argc;
	fixture_open(argv);
	if (!execs && fork_announced(claim(0)) == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		checkpoint(0);
		_exit(0);
	}
	if (!execs || atomic_load(&ledger->open) < 1)
		exec_again(main_slot);
	must(wait(NULL) > 0, "wait");
	return 0;
}
