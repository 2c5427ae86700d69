/*
 * Has k threads make threads that end at once, until main has passed its gate and checkpoint 1.
 *
 * For each, n and most are the bounds of how many it makes. After each it pauses: without, it makes
 * 90,000 in a second, so that most are made before a debugger attaches again, and the kernel's
 * account overflows where its reader does not come to run for 0.1 s. A debugger that attaches or
 * detaches at the gate or the checkpoint finds ids that are gone when it looks again. Main makes
 * one more thread between the two, and one after.
 *
 * param: k=4 n=20 most=10000
 * want: main: clone main/1..k+2, exit 0
 * want: main/1..k+2: exit 0
 * want: main/1..k: at least k*n clone *
 * want: *: at most k*most+k+2 clone *, at least k*n exit 0
 * modes: launch attach_before attach_during attach_again detach_during orphaned stops
 */
#include "fixture.h"

static _Atomic uint32_t begun, enough;
static long least, most;

static void *creator(void *arg)
{
	announce((uintptr_t)arg);
	for (long made = 0; made < most && (made < least || !enough); made++) {
		one_thread((uintptr_t)arg);
		usleep(100); // sleep: paces the births
		if (made == 0)
			advance(&begun);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_open(argv);
	long k = param("k", "4");
	least = param("n", "20");
	most = param("most", "10000");
	pthread_t *creators = calloc(k, sizeof *creators);
	must(creators != NULL, "calloc");
	for (long i = 0; i < k; i++)
		creators[i] = start_thread(creator, 0);
	await(&begun, k);
	checkpoint(0);
	one_thread(0);
	checkpoint(1);
	one_thread(0);
	advance(&enough);
	for (long i = 0; i < k; i++)
		must(!pthread_join(creators[i], NULL), "pthread_join");
	free(creators);
	return 0;
}
