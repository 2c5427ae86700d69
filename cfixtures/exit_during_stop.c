/*
 * Half of n threads end and are joined; the other half park at checkpoint 1 and end all at once
 * when it opens.
 *
 * A debugger that stops the process while the checkpoint opens meets threads that live, threads
 * that are on their way out and threads that are gone. When all have ended, one more comes and
 * goes.
 *
 * param: n=16
 * want: main: clone main/1..n+1, exit 0
 * want: main/1..n+1: exit 0
 * modes: launch attach_before attach_during detach_during stops
 */
#include "fixture.h"

static void *ends_later(void *slot)
{
	announce((uintptr_t)slot);
	checkpoint(1);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	long n = param("n", "16");
	pthread_t *threads = calloc(n, sizeof *threads);
	must(threads != NULL, "calloc");
	for (long i = 0; i < n / 2; i++)
		must(!pthread_join(make_thread(announce_only, 0), NULL), "pthread_join");
	printf("process: %d, half have ended\n", getpid());
	for (long i = n / 2; i < n; i++)
		threads[i] = make_thread(ends_later, 0);
	for (long i = n / 2; i < n; i++)
		must(!pthread_join(threads[i], NULL), "pthread_join");
	printf("process: %d, all have ended\n", getpid());
	one_thread(0);
	free(threads);
	return 0;
}
