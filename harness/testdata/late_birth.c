/*
 * A creator claims the slot of a thread, and makes it once another has made n.
 *
 * Where there are fewer ids than n, one of those n had the late one's id before, and has a
 * later slot.
 *
 * param: n=2000
 * want: main: clone main/1..2, exit 0
 * want: main/1: clone main/1/1, exit 0
 * want: main/2: clone main/2/1..n, exit 0
 * want: main/1/1: exit 0
 * want: main/2/1..n: exit 0
 * modes: launch attach_before
 */
#include "fixture.h"

static _Atomic uint32_t claimed, made;

static void *late(void *slot)
{
	announce((uintptr_t)slot);
	uint32_t own = claim((uintptr_t)slot);
	advance(&claimed);
	await(&made, 1);
	must(!pthread_join(start_in(own, announce_only), NULL), "pthread_join");
	return NULL;
}

static void *busy(void *slot)
{
	announce((uintptr_t)slot);
	await(&claimed, 1);
	for (long i = 0; i < param("n", "2000"); i++)
		one_thread((uintptr_t)slot);
	advance(&made);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	pthread_t first = start_thread(late, 0), second = start_thread(busy, 0);
	must(!pthread_join(first, NULL) && !pthread_join(second, NULL), "pthread_join");
	return 0;
}
