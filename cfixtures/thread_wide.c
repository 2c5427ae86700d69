/*
 * Makes n threads that all live at once, and lets them end together.
 *
 * A debugger whose cost grows with the square of the living threads is slow here. At checkpoint 1
 * all are parked.
 *
 * param: n=10000
 * quick: n=300
 * want: main: clone main/1..n, exit 0
 * want: main/1..n: exit 0
 */
#include "fixture.h"

static pthread_barrier_t all_there, go;

static void *thread(void *slot)
{
	announce((uintptr_t)slot);
	pthread_barrier_wait(&all_there);
	pthread_barrier_wait(&go);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	long n = param("n", "10000");
	pthread_attr_t small;
	pthread_t *ids = calloc(n, sizeof *ids);
	must(ids != NULL, "calloc");
	must(!pthread_attr_init(&small), "pthread_attr_init");
	must(!pthread_attr_setstacksize(&small, 65536), "pthread_attr_setstacksize");
	must(!pthread_barrier_init(&all_there, NULL, n + 1), "pthread_barrier_init");
	must(!pthread_barrier_init(&go, NULL, n + 1), "pthread_barrier_init");
	for (long i = 0; i < n; i++)
		must(!pthread_create(&ids[i], &small, thread, (void *)(uintptr_t)claim(0)),
		     "pthread_create");
	pthread_barrier_wait(&all_there);
	printf("%ld threads live\n", n);
	checkpoint(1);
	pthread_barrier_wait(&go);
	for (long i = 0; i < n; i++)
		must(!pthread_join(ids[i], NULL), "pthread_join");
	free(ids);
	return 0;
}
