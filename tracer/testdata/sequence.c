/* Makes n threads, each joined before the next; then ends with 0. */
#include <pthread.h>
#include <stdlib.h>

static void *nothing(void *arg)
{
	return arg;
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 3;

	for (int i = 0; i < n; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, nothing, NULL) != 0)
			return 1;
		if (pthread_join(thread, NULL) != 0)
			return 1;
	}
	return 0;
}
