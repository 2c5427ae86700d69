/*
 * Makes n threads that end at once, without waiting for any of them before the next is made.
 *
 * They are raw clones whose whole life is a return, so that many are gone before their creator's
 * clone returns. Checkpoint 1 is half way, with the last ones still on their way out.
 *
 * param: n=400
 * quick: n=200
 * want: main: clone main/1..n, exit 0
 * want: main/1..n: exit 0
 * modes: launch attach_before attach_during detach_during stops
 */
#include "clone.h"

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	long n = param("n", "400");
	uint32_t *slots = calloc(n, sizeof *slots);
	must(slots != NULL, "calloc");
	for (long i = 0; i < n; i++) {
		if (i == n / 2)
			checkpoint(1);
		slots[i] = claim(0);
		must(clone_task(raw_thread, end_at_once, NULL, slots[i]) > 0, "clone");
	}
	for (long i = 0; i < n; i++)
		await_end(slots[i]);
	printf("%ld threads came and went\n", n);
	free(slots);
	return 0;
}
