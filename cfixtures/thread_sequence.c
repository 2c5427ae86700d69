/*
 * Makes n threads one after the other; each prints its ids and is joined before the next is made.
 *
 * The kernel gives out tids in turn, so no two of them have the same one; a debugger that tells a
 * birth twice is caught. Checkpoint 1 is half way.
 *
 * param: n=100
 * quick: n=50
 * want: main: clone main/1..n, exit 0
 * want: main/1..n: exit 0
 * modes: launch attach_before attach_during detach_during stops
 */
#include "fixture.h"

static void *thread(void *slot)
{
	announce((uintptr_t)slot);
	printf("process: %d, thread: %ld\n", getpid(), syscall(SYS_gettid));
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	long n = param("n", "100");
	for (long i = 0; i < n; i++) {
		pthread_t id;
		if (i == n / 2)
			checkpoint(1);
		must(!pthread_create(&id, NULL, thread, (void *)(uintptr_t)claim(0)), "pthread_create");
		must(!pthread_join(id, NULL), "pthread_join");
	}
	return 0;
}
