/*
 * Makes threads, which stay, until main has passed its gate and checkpoint 1.
 *
 * A thread of its own makes them; n and most are the bounds of their number. Each runs before the
 * next is made. The first n come without pause. Then one comes each millisecond until half of most
 * are there; the rest wait until main is traced. While main is traced they come without pause. So a
 * debugger that attaches to main first and to the other threads afterwards does that while threads
 * are born, however late it comes.
 *
 * Main makes one more thread between the gate and the checkpoint, and one after; both end. At their
 * ends the threads call tidcheck_place, where a thread that the debugger has missed may run into
 * its breakpoint.
 *
 * param: n=20 most=1000
 * quick: most=300
 * want: main: clone main/1..3, exit 0
 * want: main/1: at least n clone *, at most most clone *, exit 0
 * want: main/2..3: exit 0
 * want: *: at least n exit 0
 * modes: launch attach_before attach_during detach_during orphaned stops
 * set: quick
 */
#include "stop.h"
#include <time.h>

static _Atomic uint32_t born, enough, over;
static long least, most;

static void *thread(void *arg)
{
	announce((uintptr_t)arg);
	advance(&born);
	await(&over, 1);
	tidcheck_place();
	return NULL;
}

/* Waits before the next birth. */
static void pace(long made)
{
	const struct timespec moment = {.tv_nsec = 1000000};
	while (made >= least && !enough && !is_traced(getpid(), getpid())) {
		nanosleep(&moment, NULL); // sleep: nothing tells when a debugger attaches
		if (made < most / 2)
			return;
	}
}

static void *creator(void *arg)
{
	announce((uintptr_t)arg);
	pthread_t *threads = calloc(most, sizeof *threads);
	must(threads != NULL, "calloc");
	long made = 0;
	while (made < most && (made < least || !enough)) {
		pace(made);
		threads[made++] = start_thread(thread, (uintptr_t)arg);
		await(&born, made);
	}
	await(&enough, 1);
	advance(&over);
	for (long i = 0; i < made; i++)
		must(!pthread_join(threads[i], NULL), "pthread_join");
	free(threads);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_open(argv);
	least = param("n", "20");
	most = param("most", "1000");
	pthread_t id = start_thread(creator, 0);
	await(&born, 1);
	checkpoint(0);
	one_thread(0);
	checkpoint(1);
	one_thread(0);
	advance(&enough);
	must(!pthread_join(id, NULL), "pthread_join");
	return 0;
}
