/*
 * All of n threads end at once while main returns 5.
 *
 * A thread ends with 0 by itself, or with the process's 5, whichever comes first; the process
 * always ends with main's 5. Checkpoint 1 is when all are there. One more thread comes and goes
 * before the checkpoint, and one after.
 *
 * param: n=16
 * want: main: clone main/1..n+2, exit 5
 * want: main/1..n: at least n exit, at most n exit
 * want: main/n+1..n+2: exit 0
 * modes: launch attach_before attach_during detach_during stops
 */
#include "fixture.h"

static pthread_barrier_t all;

static void *thread(void *slot)
{
	announce((uintptr_t)slot);
	pthread_barrier_wait(&all);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	long n = param("n", "16");
	must(!pthread_barrier_init(&all, NULL, n + 1), "pthread_barrier_init");
	for (long i = 0; i < n; i++)
		make_thread(thread, 0);
	one_thread(0);
	checkpoint(1);
	one_thread(0);
	printf("process: %d, all are there\n", getpid());
	pthread_barrier_wait(&all);
	return 5;
}
