/*
 * Has n threads start a program each by posix_spawn, all at once.
 *
 * The C library makes the process with CLONE_VM and CLONE_VFORK: it shares memory as a thread does,
 * and is a process. The program is this one, which ends at once.
 *
 * param: n=4
 * want: main: clone main/1..n, exit 0
 * want: main/1..n: vfork ./1, vforkdone, exit 0
 * want: main/1..n/1: exec, exit 5
 * set: quick
 */
#include "process.h"
#include <spawn.h>

extern char **environ;

static pthread_barrier_t begin;

static void *thread(void *arg)
{
	announce((uintptr_t)arg);
	pthread_barrier_wait(&begin);
	char *argv[] = {"spawn", "child", NULL};
	uint32_t slot = claim((uintptr_t)arg);
	pid_t pid;
	must(!posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ), "posix_spawn");
	announce_other(slot, pid, pid);
	printf("process: %d ended with %d\n", pid, reap(pid));
	return NULL;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "child"))
		return 5;
	fixture_start(argv);
	long n = param("n", "4");
	pthread_t *threads = calloc(n, sizeof *threads);
	must(threads && !pthread_barrier_init(&begin, NULL, n), "pthread_barrier_init");
	for (long i = 0; i < n; i++)
		threads[i] = start_thread(thread, 0);
	for (long i = 0; i < n; i++)
		must(!pthread_join(threads[i], NULL), "pthread_join");
	free(threads);
	return 0;
}
