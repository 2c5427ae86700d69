/* Has 4 threads send SIGUSR1 to themselves n times each, and prints how many were handled. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { SENDERS = 4 };

static int n, handled;

static void count(int sig)
{
	(void)sig;
	__atomic_add_fetch(&handled, 1, __ATOMIC_SEQ_CST);
}

static void *send(void *arg)
{
	for (int i = 0; i < n; i++)
		if (pthread_kill(pthread_self(), SIGUSR1) != 0)
			abort();
	return arg;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = count};
	pthread_t threads[SENDERS];

	n = argc == 2 ? atoi(argv[1]) : 1;
	if (sigaction(SIGUSR1, &action, NULL) != 0)
		return 1;
	for (int i = 0; i < SENDERS; i++)
		if (pthread_create(&threads[i], NULL, send, NULL) != 0)
			return 1;
	for (int i = 0; i < SENDERS; i++)
		if (pthread_join(threads[i], NULL) != 0)
			return 1;
	return printf("%d\n", handled) < 0;
}
