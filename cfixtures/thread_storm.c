/*
 * Has k creators start at once and make n threads each, which end at once.
 *
 * With several creators a child's first stop often comes before its creator's event. At most k*n
 * threads live at a time. Checkpoint 1 is half way through the first creator's births, while the
 * others go on. A debugger that loses one birth in a thousand loses one here.
 *
 * param: k=8 n=400
 * quick: k=4 n=250
 * want: main: clone main/1..k, exit 0
 * want: main/1..k: clone ./1..n, exit 0
 * want: main/1..k/1..n: exit 0
 * modes: launch attach_before attach_during detach_during stops
 */
#include "fixture.h"

static long births;
static pthread_barrier_t all_there;
static pthread_attr_t small;

static void *creator(void *arg)
{
	uint32_t self = (uintptr_t)arg;
	announce(self);
	pthread_t *ids = calloc(births, sizeof *ids);
	must(ids != NULL, "calloc");
	pthread_barrier_wait(&all_there);
	for (long i = 0; i < births; i++) {
		if (self == 1 && i == births / 2)
			checkpoint(1);
		void *slot = (void *)(uintptr_t)claim(self);
		must(!pthread_create(&ids[i], &small, announce_only, slot), "pthread_create");
	}
	for (long i = 0; i < births; i++)
		must(!pthread_join(ids[i], NULL), "pthread_join");
	free(ids);
	printf("a creator has made %ld\n", births);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	long k = param("k", "8");
	births = param("n", "400");
	pthread_t *ids = calloc(k, sizeof *ids);
	must(ids != NULL, "calloc");
	must(!pthread_barrier_init(&all_there, NULL, k), "pthread_barrier_init");
	must(!pthread_attr_init(&small), "pthread_attr_init");
	must(!pthread_attr_setstacksize(&small, 65536), "pthread_attr_setstacksize");
	for (long i = 0; i < k; i++)
		ids[i] = start_thread(creator, 0);
	for (long i = 0; i < k; i++)
		must(!pthread_join(ids[i], NULL), "pthread_join");
	free(ids);
	return 0;
}
