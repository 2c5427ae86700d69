/*
 * A thread vforks, and its child does not end before n sibling threads have made a thread each.
 *
 * The vfork's creator sleeps in D meanwhile and cannot stop; its siblings run. A debugger that
 * stops everything must not wait for it. Checkpoint 1 is within the vfork: a debugger that detaches
 * there must not leave a stop behind that the creator makes later.
 *
 * param: n=3
 * want: main: clone main/1..n+2, exit 0
 * want: main/1: vfork ./1, vforkdone, exit 0
 * want: main/1/1: exit 3
 * want: main/2..n+1: clone ./1, exit 0
 * want: main/2..n+1/1: exit 0
 * want: main/n+2: exit 0
 * modes: launch attach_before attach_during detach_during stops
 */
#include "process.h"

static _Atomic uint32_t held, told;

static void *make_process(void *arg)
{
	uint32_t slot = (uintptr_t)arg;
	announce(slot);
	pid_t pid = vfork_held(claim(slot), &held, &told);
	int code = reap(pid);
	printf("thread: %ld, process: %d ended with %d\n", syscall(SYS_gettid), pid, code);
	return NULL;
}

static void *sibling(void *arg)
{
	announce((uintptr_t)arg);
	one_thread((uintptr_t)arg);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	pthread_t creator = start_thread(make_process, 0);
	await(&held, 1);
	for (long n = param("n", "3"); n; n--)
		must(!pthread_join(start_thread(sibling, 0), NULL), "pthread_join");
	checkpoint(1);
	one_thread(0);
	advance(&told);
	must(!pthread_join(creator, NULL), "pthread_join");
	return 0;
}
