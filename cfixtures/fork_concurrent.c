/*
 * Has n threads fork and vfork at once, in turn and twice each.
 *
 * Main comes to checkpoint 1 when one of them has forked once. So a debugger that detaches there
 * does that while processes are born: some births have happened and their events were not read yet.
 * A thread of main's has come and gone before.
 *
 * param: n=4
 * want: main: clone main/1..n+1, exit 0
 * want: main/1: exit 0
 * want: main/2..n+1: fork ./1, vfork ./2, vforkdone, fork ./3, vfork ./4, vforkdone, exit 0
 * want: main/2..n+1/1..4: exit 0
 * modes: launch attach_before detach_during stops
 */
#include "process.h"

static pthread_barrier_t begin;
static _Atomic uint32_t forked;

static pid_t vfork_exit(uint32_t slot)
{
	pid_t pid = vfork();
	if (pid == 0) {
		announce(slot);
		_exit(0);
	}
	return pid;
}

static void *thread(void *arg)
{
	uint32_t slot = (uintptr_t)arg;
	announce(slot);
	pthread_barrier_wait(&begin);
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork_announced(claim(slot));
		if (pid == 0)
			_exit(0);
		must(!reap(pid), "the forked process");
		advance(&forked);
		pid = vfork_exit(claim(slot));
		must(pid > 0 && !reap(pid), "the vforked process");
	}
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	long n = param("n", "4");
	pthread_t *threads = calloc(n, sizeof *threads);
	must(threads && !pthread_barrier_init(&begin, NULL, n + 1), "pthread_barrier_init");
	one_thread(0);
	for (long i = 0; i < n; i++)
		threads[i] = start_thread(thread, 0);
	pthread_barrier_wait(&begin);
	await(&forked, 1);
	checkpoint(1);
	for (long i = 0; i < n; i++)
		must(!pthread_join(threads[i], NULL), "pthread_join");
	free(threads);
	return 0;
}
