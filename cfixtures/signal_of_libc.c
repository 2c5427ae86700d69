/*
 * Main sets its user id r times, for which libc sends a signal of its own to all n parked threads,
 * while one more makes threads; then main cancels the parked ones.
 *
 * The kernel's user ids are each thread's own, so libc has every thread set its id in a handler,
 * and waits for all of them. It cancels by another signal. Both are real-time signals that
 * programs do not see (32 and 33 in glibc), and a debugger that does not pass one on leaves main
 * waiting for ever. Checkpoint 1 is half way; at the end main makes a thread.
 *
 * param: n=4 r=20 k=10
 * want: main: clone main/1..n+2, exit 0
 * want: main/1..n: exit 0
 * want: main/n+1: clone ./1..k, exit 0
 * want: main/n+1/1..k: exit 0
 * want: main/n+2: exit 0
 * modes: launch attach_before attach_during detach_during stops
 */
#include "fixture.h"

static _Atomic uint32_t cancelled;

static void count(void *arg)
{
	(void)arg;
	cancelled++;
}

/* A function of its own: the macro calls setjmp, and gcc 16 warns of variables beside it. */
static void await_cancel(void)
{
	pthread_cleanup_push(count, NULL);
	park();
	pthread_cleanup_pop(0);
}

static void *target(void *slot)
{
	announce((uintptr_t)slot);
	await_cancel();
	return NULL;
}

static void *maker(void *slot)
{
	announce((uintptr_t)slot);
	for (long k = param("k", "10"); k > 0; k--)
		one_thread((uintptr_t)slot);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	long n = param("n", "4"), r = param("r", "20");
	pthread_t *ids = calloc(n + 1, sizeof *ids);
	must(ids != NULL, "calloc");
	for (long i = 0; i < n; i++)
		ids[i] = make_thread(target, 0);
	ids[n] = start_thread(maker, 0);
	for (long i = 0; i < r; i++) {
		if (i == r / 2)
			checkpoint(1);
		must(!setuid(getuid()), "setuid");
	}
	for (long i = 0; i < n; i++)
		must(!pthread_cancel(ids[i]), "pthread_cancel");
	for (long i = 0; i <= n; i++)
		must(!pthread_join(ids[i], NULL), "pthread_join");
	free(ids);
	one_thread(0);
	printf("cancelled: %u\n", cancelled);
	return 0;
}
