/*
 * Each of n threads makes a call about which its own seccomp filter asks a tracer, and gets ENOSYS,
 * since no tracer has said that it answers.
 *
 * A tracer with PTRACE_O_TRACESECCOMP is asked, though the filter is not its own: by its leave the
 * call is made, and the program goes another way than without it. Each thread then makes one more.
 * Checkpoint 1 is half way.
 *
 * param: n=3
 * want: main: clone main/1..n, exit 0
 * want: main/1..n: clone ./1, exit 0
 * want: main/1..n/1: exit 0
 * modes: launch attach_before attach_during detach_during stops
 */
#include "filter.h"

static void *thread(void *arg)
{
	uint32_t slot = (uintptr_t)arg;
	announce(slot);
	filter_call(SYS_getppid, SECCOMP_RET_TRACE | 16);
	errno = 0;
	int made = syscall(SYS_getppid) >= 0;
	printf("thread: %ld, the call was made: %d, error %d\n", syscall(SYS_gettid), made, errno);
	one_thread(slot);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	for (long n = param("n", "3"), i = 0; i < n; i++) {
		if (i == n / 2)
			checkpoint(1);
		must(!pthread_join(start_thread(thread, 0), NULL), "pthread_join");
	}
	return 0;
}
