/* Has c threads make n threads each, all at once, each joined before its creator's next. */
#include <pthread.h>
#include <stdlib.h>

enum { MOST = 64 };

static pthread_barrier_t together;
static int n;

static void *nothing(void *arg)
{
	return arg;
}

static void *create(void *arg)
{
	int started = pthread_barrier_wait(&together);

	if (started != 0 && started != PTHREAD_BARRIER_SERIAL_THREAD)
		abort();
	for (int i = 0; i < n; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, nothing, NULL) != 0)
			abort();
		if (pthread_join(thread, NULL) != 0)
			abort();
	}
	return arg;
}

int main(int argc, char **argv)
{
	pthread_t threads[MOST];
	int c = argc == 3 ? atoi(argv[1]) : 0;

	if (c < 1 || c > MOST || pthread_barrier_init(&together, NULL, c) != 0)
		return 1;
	n = atoi(argv[2]);
	for (int i = 0; i < c; i++)
		if (pthread_create(&threads[i], NULL, create, NULL) != 0)
			return 1;
	for (int i = 0; i < c; i++)
		if (pthread_join(threads[i], NULL) != 0)
			return 1;
	return 0;
}
