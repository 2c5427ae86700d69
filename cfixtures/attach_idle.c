/*
 * Has n threads that are idle at its gate, and again at checkpoint 1; between the two, each makes a
 * thread.
 *
 * A debugger attaches to a process at rest and detaches from one at rest, once or again and again.
 * What the threads make shows whether the debugger has every thread.
 *
 * param: n=8
 * want: main: clone main/1..n, exit 0
 * want: main/1..n: clone ./1, exit 0
 * want: main/1..n/1: exit 0
 * modes: launch attach_before attach_again detach_during orphaned stops
 * set: quick
 */
#include "fixture.h"

static _Atomic uint32_t idle, phase;

static void *thread(void *arg)
{
	announce((uintptr_t)arg);
	advance(&idle);
	await(&phase, 1);
	one_thread((uintptr_t)arg);
	advance(&idle);
	await(&phase, 2);
	printf("thread: %ld ends\n", syscall(SYS_gettid));
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_open(argv);
	long n = param("n", "8");
	pthread_t *threads = calloc(n, sizeof *threads);
	must(threads != NULL, "calloc");
	for (long i = 0; i < n; i++)
		threads[i] = start_thread(thread, 0);
	for (uint32_t i = 0; i < 2; i++) {
		await(&idle, n * (i + 1));
		checkpoint(i);
		advance(&phase);
	}
	for (long i = 0; i < n; i++)
		must(!pthread_join(threads[i], NULL), "pthread_join");
	free(threads);
	return 0;
}
