/*
 * The last of n threads writes to an address where nothing is mapped, and all tasks die of SIGSEGV.
 *
 * Checkpoint 1 is just before. One more thread comes and goes before the checkpoint, and one after.
 *
 * param: n=4
 * want: main: clone main/1..n, killed SIGSEGV
 * want: main/1..n-1: killed SIGSEGV
 * want: main/n: clone ./1..2, signal SIGSEGV, killed SIGSEGV
 * want: main/n/1..2: exit 0
 * modes: launch attach_before attach_during detach_during stops
 */
#include "fixture.h"
#include <sys/resource.h>

static pthread_barrier_t both;

static void *thread(void *slot)
{
	volatile int *volatile nowhere = NULL;
	announce((uintptr_t)slot);
	pthread_barrier_wait(&both); /* main's last clone has returned */
	one_thread((uintptr_t)slot);
	checkpoint(1);
	one_thread((uintptr_t)slot);
	printf("thread: %ld, writes where nothing is\n", syscall(SYS_gettid));
	*nowhere = 1;
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	/*
	 * No core: with a limit of 1 none is piped to a handler either (core(5), do_coredump in
	 * fs/coredump.c). A hard limit of 0 cannot be raised to 1.
	 */
	struct rlimit none;
	must(!getrlimit(RLIMIT_CORE, &none), "getrlimit");
	if (none.rlim_max > 1)
		none.rlim_max = 1;
	none.rlim_cur = none.rlim_max;
	must(!setrlimit(RLIMIT_CORE, &none), "setrlimit");
	for (long n = param("n", "4"); n > 1; n--)
		make_thread(parked_thread, 0);
	must(!pthread_barrier_init(&both, NULL, 2), "pthread_barrier_init");
	make_thread(thread, 0);
	pthread_barrier_wait(&both);
	park();
}
