/*
 * Main makes n threads and ends by pthread_exit; the first of them comes to the gate when main is a
 * zombie.
 *
 * A zombie leader cannot be attached to (EPERM); the others can, and the process lives on. After
 * the gate the first thread makes a thread, which ends, and comes to checkpoint 1.
 *
 * param: n=4
 * want: main: clone main/1..n, exit 0
 * want: main/1: clone main/1/1, exit 0
 * want: main/2..n: exit 0
 * want: main/1/1: exit 0
 * modes: launch attach_before attach_again detach_during orphaned stops
 * alone: its process ends with the last of its threads, and a host's would live on
 */
#include "stop.h"

static _Atomic uint32_t parked, over;
static pthread_t *threads;
static long n;

static void *thread(void *arg)
{
	announce((uintptr_t)arg);
	advance(&parked);
	await(&over, 1);
	printf("thread: %ld goes on\n", syscall(SYS_gettid));
	return NULL;
}

/* The first thread: does what main does elsewhere. */
static void *first(void *arg)
{
	announce((uintptr_t)arg);
	await(&parked, n - 1);
	while (task_state(getpid(), getpid()) != 'Z') /* the kernel tells no task of it */
		sched_yield();
	checkpoint(0);
	one_thread((uintptr_t)arg);
	checkpoint(1);
	advance(&over);
	for (long i = 1; i < n; i++)
		must(!pthread_join(threads[i], NULL), "pthread_join");
	free(threads);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_open(argv);
	n = param("n", "4");
	threads = calloc(n, sizeof *threads);
	must(threads != NULL, "calloc");
	for (long i = 0; i < n; i++)
		threads[i] = start_thread(i ? thread : first, 0);
	pthread_exit(NULL);
}
