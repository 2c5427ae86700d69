/*
 * Makes a thread by clone, and n more between checkpoints 1 and 2, a stretch over which main can be
 * stepped.
 *
 * Nothing on it waits for another task, so main comes to its end while a debugger holds all others,
 * the newborn too. The instruction of a birth returns in two tasks, and main may be at the event
 * stop in the middle of its step. A debugger that takes any stop for the step's end, or waits for a
 * step that is over, loses the birth or hangs.
 *
 * param: n=2
 * want: main: clone main/1..n+1, exit 0
 * want: main/1..n+1: exit 0
 * modes: launch attach_before stepped
 * set: quick
 */
#include "clone.h"

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	long n = param("n", "2");
	uint32_t *slots = calloc(n, sizeof *slots);
	_Atomic int *seen = calloc(n, sizeof *seen);
	must(slots && seen, "calloc");
	one_raw_thread(0); /* now the dynamic linker has found all functions that the stretch calls */
	checkpoint(1);
	for (long i = 0; i < n; i++) {
		slots[i] = claim(0);
		must(clone_task(raw_thread, show_up, (void *)&seen[i], slots[i]) > 0, "clone");
	}
	checkpoint(2);
	for (long i = 0; i < n; i++) {
		await_end(slots[i]);
		printf("thread: %u, it ran: %d\n", ledger->slots[slots[i]].tid, seen[i]);
	}
	free(slots);
	free((void *)seen);
	return 0;
}
