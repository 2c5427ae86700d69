/* Makes a tree of threads: each makes width at once, down to depth, and joins them. */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

enum { MOST = 4096 };

static int width;

static void *grow(void *depth)
{
	static _Thread_local pthread_t threads[MOST];
	intptr_t left = (intptr_t)depth;

	for (int i = 0; left > 0 && i < width; i++)
		if (pthread_create(&threads[i], NULL, grow, (void *)(left - 1)) != 0)
			abort();
	for (int i = 0; left > 0 && i < width; i++)
		if (pthread_join(threads[i], NULL) != 0)
			abort();
	return NULL;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 1;
	width = atoi(argv[1]);
	if (width > MOST)
		return 1;
	grow((void *)(intptr_t)atoi(argv[2]));
	return 0;
}
