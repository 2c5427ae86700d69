/*
 * "storm PARKED THREADS FORKS VFORKS" has so many threads that wait, and so many that make
 * threads, forks and vforks without end. It says when it is ready, and ends with 23 at the end of
 * its standard input.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

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

static void *make_threads(void *arg)
{
	pthread_t thread;

	for (;;)
		if (pthread_create(&thread, NULL, nothing, NULL) != 0 || pthread_join(thread, NULL) != 0)
			abort();
	return arg;
}

static void *make_forks(void *is_vfork)
{
	for (;;) {
		pid_t child = is_vfork ? vfork() : fork();

		if (child == 0)
			_exit(0);
		if (child < 0 || waitpid(child, NULL, 0) != child)
			abort();
	}
	return NULL;
}

int main(int argc, char **argv)
{
	void *(*const work[])(void *) = {park, make_threads, make_forks, make_forks};
	pthread_t thread;
	char byte;

	if (argc != 5)
		return 1;
	for (int kind = 0; kind < 4; kind++)
		for (int i = atoi(argv[1 + kind]); i > 0; i--)
			if (pthread_create(&thread, NULL, work[kind], kind == 3 ? &thread : NULL) != 0)
				return 1;
	if (write(1, "ready\n", 6) != 6 || read(0, &byte, 1) != 0)
		return 1;
	_exit(23);
}
