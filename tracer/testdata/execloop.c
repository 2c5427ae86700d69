/*
 * Executes itself without end, never from the first thread, beside 3 threads that wait and one that
 * makes threads. It says once that it is ready, and ends with 23 at the end of its standard input.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static char **args;

static void must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		_exit(99);
	}
}

static void *rest(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void *nothing(void *arg)
{
	return arg;
}

static void *make_threads(void *arg)
{
	pthread_t thread;
	int error;

	for (;;) {
		error = pthread_create(&thread, NULL, nothing, NULL);
		if (error == EAGAIN)
			continue; /* an exec is under way (copy_fs in kernel/fork.c), and ends us */
		must(error == 0 && pthread_join(thread, NULL) == 0, "pthread_create");
	}
	return arg;
}

static void *again(void *arg)
{
	execl(args[0], args[0], "again", (char *)NULL);
	must(0, "execl");
	return arg;
}

int main(int argc, char **argv)
{
	void *(*const work[])(void *) = {rest, rest, rest, make_threads, again};
	struct pollfd input = {.fd = 0, .events = POLLIN};
	pthread_t thread;

	args = argv;
	must(argc == 2 || write(1, "ready\n", 6) == 6, "write");
	must(poll(&input, 1, 0) >= 0, "poll");
	if (input.revents != 0)
		_exit(23);
	for (int i = 0; i < 5; i++)
		must(pthread_create(&thread, NULL, work[i], NULL) == 0, "pthread_create");
	rest(NULL);
}
