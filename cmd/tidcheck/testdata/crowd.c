/*
 * crowd PARKED CREATORS: has PARKED threads that wait, and CREATORS threads that make others
 * without end. It prints "ready" when all have started, and ends with 23 at the end of its
 * input.
 */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static pthread_barrier_t together;

static void *nothing(void *arg)
{
	return arg;
}

static void *park(void *arg)
{
	pthread_barrier_wait(&together);
	for (;;)
		pause();
	return arg;
}

static void *create(void *arg)
{
	pthread_barrier_wait(&together);
	for (;;) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, nothing, NULL) != 0)
			abort();
		if (pthread_join(thread, NULL) != 0)
			abort();
	}
	return arg;
}

static void start(int n, void *(*what)(void *))
{
	pthread_attr_t small;
	pthread_t thread;

	if (pthread_attr_init(&small) != 0 || pthread_attr_setstacksize(&small, 1 << 16) != 0)
		abort();
	for (int i = 0; i < n; i++)
		if (pthread_create(&thread, &small, what, NULL) != 0)
			abort();
}

int main(int argc, char **argv)
{
	char byte;

	if (argc != 3)
		return 99;
	int parked = atoi(argv[1]), creators = atoi(argv[2]);
	if (pthread_barrier_init(&together, NULL, parked + creators + 1) != 0)
		return 99;
	start(parked, park);
	start(creators, create);
	pthread_barrier_wait(&together);
	if (write(1, "ready\n", 6) != 6)
		return 99;
	while (read(0, &byte, 1) > 0)
		;
	_exit(23);
}
