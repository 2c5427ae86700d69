/*
 * threads N [STATUS]: makes N threads, one after the other. Then it ends with STATUS, by
 * default 0; if that is "killed", it sends itself SIGKILL.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

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
			return 99;
		if (pthread_join(thread, NULL) != 0)
			return 99;
	}
	if (argc > 2 && !strcmp(argv[2], "killed"))
		raise(SIGKILL);
	return argc > 2 ? atoi(argv[2]) : 0;
}
