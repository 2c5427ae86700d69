/*
 * Makes n threads, one after the other; each forks a process and waits for its end.
 *
 * The new process has one thread, whose id is no thread's of its creator. Only its creator waits
 * for it, so a debugger that follows the parent alone must let it run. Checkpoint 1 is half way.
 *
 * param: n=4
 * want: main: clone main/1..n, exit 0
 * want: main/1..n: fork ./1, exit 0
 * want: main/1..n/1: exit 3
 * modes: launch attach_before attach_during detach_during stops
 */
#include "process.h"

static void *thread(void *arg)
{
	uint32_t slot = (uintptr_t)arg;
	announce(slot);
	pid_t pid = fork_announced(claim(slot));
	if (pid == 0)
		_exit(3);
	int code = reap(pid);
	printf("thread: %ld, process: %d ended with %d\n", syscall(SYS_gettid), pid, code);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	long n = param("n", "4");
	for (long i = 0; i < n; i++) {
		if (i == n / 2)
			checkpoint(1);
		must(!pthread_join(start_thread(thread, 0), NULL), "pthread_join");
	}
	return 0;
}
