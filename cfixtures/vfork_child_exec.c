/*
 * Vforks a process that executes this program anew, which ends at once.
 *
 * The exec, not an end, is what lets the creator go on.
 *
 * want: main: vfork main/1, vforkdone, exit 0
 * want: main/1: exec, exit 5
 * set: quick
 */
#include "process.h"

extern char **environ;

static pid_t vfork_exec(uint32_t slot)
{
	char *argv[] = {"vfork_child_exec", "child", NULL};
	pid_t pid = vfork();
	if (pid == 0) {
		announce(slot);
		execve("/proc/self/exe", argv, environ);
		_exit(99);
	}
	return pid;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "child"))
		return 5;
	fixture_start(argv);
	pid_t pid = vfork_exec(claim(0));
	must(pid > 0, "vfork");
	printf("process: %d ended with %d\n", pid, reap(pid));
	return 0;
}
