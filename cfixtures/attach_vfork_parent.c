/*
 * Comes to its gate, and again to checkpoint 1, while a thread sleeps in D until its vfork child
 * ends.
 *
 * That thread cannot stop before its child lets it go on, so neither an attach nor a detach can
 * wait for it. When it does go on it must be traced after an attach, and free after a detach.
 * Between gate and checkpoint another thread comes and goes.
 *
 * want: main: clone main/1..2, exit 0
 * want: main/1: vfork ./1, exit 0
 * want: main/1/1: exit 3
 * want: main/2: exit 0
 * modes: launch attach_before attach_again detach_during stops
 */
#include "process.h"

static _Atomic uint32_t held, told;

static void *thread(void *arg)
{
	uint32_t slot = (uintptr_t)arg;
	announce(slot);
	pid_t pid = vfork_held(claim(slot), &held, &told);
	int code = reap(pid);
	printf("thread: %ld, process: %d ended with %d\n", syscall(SYS_gettid), pid, code);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_open(argv);
	pthread_t creator = start_thread(thread, 0);
	await(&held, 1);
	checkpoint(0);
	one_thread(0);
	checkpoint(1);
	advance(&told);
	must(!pthread_join(creator, NULL), "pthread_join");
	return 0;
}
