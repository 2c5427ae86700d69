/*
 * Stops itself with SIGSTOP, with n parked threads, before its gate and again before checkpoint 1;
 * a child process continues it.
 *
 * The child process comes to the gate and the checkpoint when all tasks of its parent are stopped.
 * The stop must outlast an attach, a resume and a detach: it belongs to the program, not to the
 * debugger. Each time the child waits until all are stopped or main has gone on, and prints which.
 * Between the stops main makes a thread, which ends.
 *
 * param: n=3
 * want: main: fork main/1, clone main/2..n+2, exit 0
 * want: main/1: exit 0
 * want: main/2..n+2: exit 0
 * modes: attach_before attach_again detach_during orphaned
 */
#include "process.h"
#include "stop.h"

enum { rounds = 2, stops = 0, goes_on, words };

static _Atomic uint32_t *shared, parked, over;

static void look(pid_t pid, uint32_t round, const char *where)
{
	await_stop(pid, &shared[goes_on], round);
	printf("%s checkpoint %u: main went on: %d\n", where, round, shared[goes_on] != round);
}

/* The child process. */
static void continue_parent(void)
{
	pid_t parent = getppid();
	for (uint32_t i = 0; i < rounds; i++) {
		await(&shared[stops], i + 1);
		look(parent, i, "before");
		checkpoint(i);
		look(parent, i, "after");
		must(!kill(parent, SIGCONT), "kill");
	}
	_exit(0);
}

static void *thread(void *arg)
{
	announce((uintptr_t)arg);
	advance(&parked);
	await(&over, 1);
	return NULL;
}

static void stop(void)
{
	advance(&shared[stops]);
	must(!kill(getpid(), SIGSTOP), "kill");
	advance(&shared[goes_on]);
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_open(argv);
	shared = shared_words(words);
	pid_t child = fork_announced(claim(0));
	if (child == 0)
		continue_parent();
	long n = param("n", "3");
	pthread_t *threads = calloc(n, sizeof *threads);
	must(threads != NULL, "calloc");
	for (long i = 0; i < n; i++)
		threads[i] = start_thread(thread, 0);
	await(&parked, n);
	stop();
	one_thread(0);
	stop();
	advance(&over);
	for (long i = 0; i < n; i++)
		must(!pthread_join(threads[i], NULL), "pthread_join");
	free(threads);
	return reap(child);
}
