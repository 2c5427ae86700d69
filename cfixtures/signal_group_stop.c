/*
 * Stops a child process, which has n threads, with SIGSTOP, sees that none of them goes on, and
 * continues it; twice.
 *
 * Main is told of the group stop and of its end by wait(2), whether the process is traced or not.
 * In the stop the threads are woken and must not run; after it each must. Between the two stops
 * main makes a thread, which ends, and comes to checkpoint 1.
 *
 * param: n=4
 * want: main: fork main/1, clone main/2, exit 0
 * want: main/1: clone main/1/1..n, exit 0
 * want: main/1/1..n: exit 0
 * want: main/2: exit 0
 * modes: launch attach_before detach_during stops
 */
#include "process.h"
#include "stop.h"

enum { rounds = 2, ready = 0, wakes, awake, over, words };

static _Atomic uint32_t *shared;

static void *thread(void *arg)
{
	announce((uintptr_t)arg);
	for (uint32_t i = 1; i <= rounds; i++) {
		advance(&shared[ready]);
		await(&shared[wakes], i);
		advance(&shared[awake]);
	}
	await(&shared[over], 1); /* wait(2) does not tell that a process that has ended was continued */
	return NULL;
}

/* The child process, which main stops. */
static void make_threads(uint32_t slot, long n)
{
	pthread_t *threads = calloc(n, sizeof *threads);
	must(threads != NULL, "calloc");
	for (long i = 0; i < n; i++)
		threads[i] = start_thread(thread, slot);
	for (long i = 0; i < n; i++)
		must(!pthread_join(threads[i], NULL), "pthread_join");
	_exit(0);
}

static int await_status(pid_t pid, int flags)
{
	int status;
	while (waitpid(pid, &status, flags) < 0)
		must(errno == EINTR, "waitpid");
	return status;
}

static void stop_and_continue(pid_t pid, uint32_t awake_before)
{
	must(!kill(pid, SIGSTOP), "kill");
	int status = await_status(pid, WUNTRACED);
	must(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP, "a stop by SIGSTOP");
	advance(&shared[wakes]);
	await_stop(pid, &shared[awake], awake_before);
	printf("process: %d, awake: %u\n", pid, shared[awake] - awake_before);
	must(!kill(pid, SIGCONT) && WIFCONTINUED(await_status(pid, WCONTINUED)), "the end of a stop");
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	long n = param("n", "4");
	shared = shared_words(words);
	uint32_t slot = claim(0);
	pid_t pid = fork_announced(slot);
	if (pid == 0)
		make_threads(slot, n);
	for (uint32_t i = 0; i < rounds; i++) {
		if (i == 1) {
			one_thread(0);
			checkpoint(1);
		}
		await(&shared[ready], n * (i + 1));
		stop_and_continue(pid, n * i);
		await(&shared[awake], n * (i + 1));
	}
	advance(&shared[over]);
	return reap(pid);
}
