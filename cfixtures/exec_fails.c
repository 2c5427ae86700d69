/*
 * Each of n threads tries to execute a file that is not there and one that is no program; nothing
 * ends by it.
 *
 * All threads live before the first of these calls and after the last. Checkpoint 1 is between the
 * two; one more thread has come and gone before.
 *
 * param: n=4
 * want: main: clone main/1..n+1, exit 0
 * want: main/1..n+1: exit 0
 * want: *: at most 0 exec
 * modes: launch attach_before detach_during stops
 */
#include "fixture.h"

static pthread_barrier_t all;

static void fail(const char *file, int why)
{
	char *none[] = {NULL};
	must(execve(file, none, none) == -1 && errno == why, file);
}

static void *thread(void *slot)
{
	announce((uintptr_t)slot);
	pthread_barrier_wait(&all);
	fail("/nothing/is/here", ENOENT);
	pthread_barrier_wait(&all);
	fail("/dev/null", EACCES);
	pthread_barrier_wait(&all);
	printf("thread: %ld, goes on\n", syscall(SYS_gettid));
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	long n = param("n", "4");
	pthread_t *threads = calloc(n, sizeof *threads);
	must(threads != NULL, "calloc");
	must(!pthread_barrier_init(&all, NULL, n + 1), "pthread_barrier_init");
	for (long i = 0; i < n; i++)
		threads[i] = make_thread(thread, 0);
	one_thread(0);
	for (int turn = 0; turn < 3; turn++) {
		if (turn == 1)
			checkpoint(1);
		pthread_barrier_wait(&all);
	}
	for (long i = 0; i < n; i++)
		must(!pthread_join(threads[i], NULL), "pthread_join");
	free(threads);
	return 0;
}
