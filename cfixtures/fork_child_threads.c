/*
 * Forks c processes; each makes n threads, waits for them and ends.
 *
 * A debugger that follows new processes follows their threads too; one that does not must leave
 * them free. Checkpoint 1 is half way.
 *
 * param: c=2 n=4
 * want: main: fork main/1..c, exit 0
 * want: main/1..c: clone ./1..n, exit 3
 * want: main/1..c/1..n: exit 0
 * modes: launch attach_before attach_during detach_during stops
 */
#include "process.h"

static void *thread(void *arg)
{
	announce((uintptr_t)arg);
	printf("process: %d, thread: %ld\n", getpid(), syscall(SYS_gettid));
	return NULL;
}

/* The new process: makes n threads and waits for them. */
static void make_threads(uint32_t slot, long n)
{
	pthread_t *threads = calloc(n, sizeof *threads);
	must(threads != NULL, "calloc");
	for (long i = 0; i < n; i++)
		threads[i] = start_thread(thread, slot);
	for (long i = 0; i < n; i++)
		must(!pthread_join(threads[i], NULL), "pthread_join");
	free(threads);
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	long c = param("c", "2"), n = param("n", "4");
	for (long i = 0; i < c; i++) {
		if (i == c / 2)
			checkpoint(1);
		uint32_t slot = claim(0);
		pid_t pid = fork_announced(slot);
		if (pid == 0) {
			make_threads(slot, n);
			_exit(3);
		}
		must(reap(pid) == 3, "the new process");
	}
	return 0;
}
