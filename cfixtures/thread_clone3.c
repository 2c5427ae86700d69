/*
 * Makes n threads by clone3, which a debugger misses if it watches for the system call clone alone.
 *
 * Checkpoint 1 is half way.
 *
 * param: n=4
 * want: main: clone main/1..n, exit 0
 * want: main/1..n: exit 0
 * needs: linux>=5.3
 * modes: launch attach_before attach_during detach_during stops
 */
#include "clone.h"

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	long n = param("n", "4");
	for (long i = 0; i < n; i++) {
		_Atomic int seen = 0;
		if (i == n / 2)
			checkpoint(1);
		uint32_t slot = claim(0);
		must(clone3_thread(show_up, &seen, slot, (struct clone_args){0}) > 0, "clone3");
		await_end(slot);
		printf("process: %d, thread: %u, it ran: %d\n", getpid(), ledger->slots[slot].tid, seen);
	}
	return 0;
}
