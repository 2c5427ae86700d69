/*
 * "crowd PARKED N": has PARKED threads that wait, then makes N threads more, each joined before the
 * next, and prints how many nanoseconds each of these took. It ends by exit_group at the end of its
 * input.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static pthread_attr_t small;

static void must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		_exit(99);
	}
}

static void *nothing(void *arg)
{
	return arg;
}

static void *park(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static double now(void)
{
	struct timespec t;

	must(clock_gettime(CLOCK_MONOTONIC, &t) == 0, "clock_gettime");
	return t.tv_sec * 1e9 + t.tv_nsec;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	char byte;

	if (argc != 3)
		return 99;
	int parked = atoi(argv[1]), n = atoi(argv[2]);
	must(pthread_attr_init(&small) == 0, "pthread_attr_init");
	/* Without guard pages neighbouring stacks are one mapping: else vm.max_map_count binds. */
	must(pthread_attr_setguardsize(&small, 0) == 0, "pthread_attr_setguardsize");
	must(pthread_attr_setstacksize(&small, 1 << 16) == 0, "pthread_attr_setstacksize");
	for (int i = 0; i < parked; i++)
		must((errno = pthread_create(&thread, &small, park, NULL)) == 0, "pthread_create");
	double begin = now();
	for (int i = 0; i < n; i++) {
		must((errno = pthread_create(&thread, &small, nothing, NULL)) == 0, "pthread_create");
		must((errno = pthread_join(thread, NULL)) == 0, "pthread_join");
	}
	printf("%.0f\n", n > 0 ? (now() - begin) / n : 0);
	must(fflush(stdout) == 0, "fflush");
	must(read(0, &byte, 1) == 0, "read");
	_exit(0);
}
