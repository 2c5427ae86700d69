/*
 * A thread executes the program anew, and the new program makes n threads and joins them.
 *
 * Their creator is the thread that executed. Checkpoint 1 is half way.
 *
 * param: n=4
 * want: main: clone main/1, exit 0
 * want: main/1: exec, clone main/1/1..n, exit 0
 * want: main/1/1..n: exit 0
 * modes: launch attach_before attach_during detach_during stops
 */
#include "process.h"

static pthread_barrier_t both;

static void *executor(void *slot)
{
	announce((uintptr_t)slot);
	pthread_barrier_wait(&both); /* main's clone has returned */
	exec_again((uintptr_t)slot);
	return NULL;
}

static void *thread(void *slot)
{
	announce((uintptr_t)slot);
	printf("process: %d, thread: %ld\n", getpid(), syscall(SYS_gettid));
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	printf("process: %d, thread: %ld, program %u\n", getpid(), syscall(SYS_gettid), execs);
	if (!execs) {
		must(!pthread_barrier_init(&both, NULL, 2), "pthread_barrier_init");
		make_thread(executor, 0);
		pthread_barrier_wait(&both);
		park();
	}
	long n = param("n", "4");
	for (long i = 0; i < n; i++) {
		if (i == n / 2)
			checkpoint(1);
		must(!pthread_join(make_thread(thread, main_slot), NULL), "pthread_join");
	}
	return 0;
}
