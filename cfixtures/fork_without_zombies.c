/*
 * Ignores SIGCHLD and makes n processes with a thread each, which the kernel reaps itself; wait(2)
 * returns once all are gone, with ECHILD.
 *
 * A traced process is its tracer's zombie first. When the tracer has waited for it, it goes without
 * the parent's wait (wait_task_zombie in kernel/exit.c). Checkpoint 1 is half way.
 *
 * param: n=4
 * want: main: fork main/1..n, exit 0
 * want: main/1..n: clone ./1, exit 3
 * want: main/1..n/1: exit 0
 * modes: launch attach_before attach_during detach_during stops
 */
#include "process.h"

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	must(signal(SIGCHLD, SIG_IGN) != SIG_ERR, "signal");
	for (long n = param("n", "4"), i = 0; i < n; i++) {
		if (i == n / 2)
			checkpoint(1);
		uint32_t slot = claim(0);
		if (fork_announced(slot) == 0) {
			one_thread(slot);
			_exit(3);
		}
	}
	pid_t got = wait(NULL);
	must(got < 0, "a process that was not to be waited for");
	printf("process: %d, error of wait: %d\n", getpid(), errno);
	return 0;
}
