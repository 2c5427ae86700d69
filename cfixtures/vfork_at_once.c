/*
 * Has n threads vfork at once, and no child ends before each thread has one.
 *
 * A creator sleeps in D while its child lives, and cannot stop. A debugger that stops everything at
 * a vfork, and waits for that, waits for a creator that sleeps until another has vforked too, and
 * the debugger holds that other one.
 *
 * param: n=2
 * want: main: clone main/1..n, exit 0
 * want: main/1..n: vfork ./1, vforkdone, exit 0
 * want: main/1..n/1: exit 3
 * modes: launch attach_before
 */
#include "process.h"

static pthread_barrier_t begin;
static _Atomic uint32_t held, told;

static void *thread(void *arg)
{
	uint32_t slot = (uintptr_t)arg;
	announce(slot);
	pthread_barrier_wait(&begin);
	pid_t pid = vfork_held(claim(slot), &held, &told);
	int code = reap(pid);
	printf("thread: %ld, process: %d ended with %d\n", syscall(SYS_gettid), pid, code);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	uint32_t all = param("n", "2");
	pthread_t *threads = calloc(all, sizeof *threads);
	must(threads && !pthread_barrier_init(&begin, NULL, all), "pthread_barrier_init");
	for (uint32_t i = 0; i < all; i++)
		threads[i] = start_thread(thread, 0);
	await(&held, all);
	advance(&told);
	for (uint32_t i = 0; i < all; i++)
		must(!pthread_join(threads[i], NULL), "pthread_join");
	free(threads);
	return 0;
}
