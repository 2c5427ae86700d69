/*
 * A thread makes threads without pause, while main goes from checkpoint 1 to 2, a stretch over
 * which it can be stepped.
 *
 * Whether the others run while one thread is stepped is the debugger's choice. Where they do,
 * births and deaths come between the ends of steps, and are not to be taken for these. Main's
 * stretch is long enough for some births, and waits for none. The bounds of how many threads the
 * maker makes are n and most.
 *
 * param: n=20 most=1000
 * quick: most=300
 * want: main: clone main/1..3, exit 0
 * want: main/1: at least n clone *, at most most clone *, exit 0
 * want: main/2..3: exit 0
 * want: *: at least n+4 exit 0
 * modes: launch attach_before stepped
 */
#include "fixture.h"

enum { rounds = 40 };

static _Atomic uint32_t begun, enough;

static void *maker(void *slot)
{
	announce((uintptr_t)slot);
	long least = param("n", "20"), most = param("most", "1000");
	for (long made = 0; made < most && (made < least || !enough); made++) {
		one_thread((uintptr_t)slot);
		advance(&begun);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	pthread_t id = start_thread(maker, 0);
	one_thread(0);
	await(&begun, 1);
	checkpoint(1);
	for (volatile int i = 0; i < rounds; i++)
		;
	checkpoint(2);
	one_thread(0);
	advance(&enough);
	must(!pthread_join(id, NULL), "pthread_join");
	return 0;
}
