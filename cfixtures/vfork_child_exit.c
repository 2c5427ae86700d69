/*
 * Vforks a process that ends at once.
 *
 * want: main: vfork main/1, vforkdone, exit 0
 * want: main/1: exit 5
 */
#include "process.h"

static pid_t vfork_exit(uint32_t slot)
{
	pid_t pid = vfork();
	if (pid == 0) {
		announce(slot);
		_exit(5);
	}
	return pid;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	pid_t pid = vfork_exit(claim(0));
	must(pid > 0, "vfork");
	printf("process: %d ended with %d\n", pid, reap(pid));
	return 0;
}
