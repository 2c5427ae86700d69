/*
 * Makes two threads by clone with CLONE_VFORK, so that main waits for the end of each.
 *
 * The kernel tells main's tracer of a vfork (and of its end), and yet they are threads: CLONE_VFORK
 * decides the event's kind before anything else. Only the thread group tells what was made.
 *
 * want: main: clone main/1, vforkdone, clone main/2, vforkdone, exit 0
 * want: main/1..2: exit 0
 */
#include "clone.h"

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	for (int i = 0; i < 2; i++) {
		_Atomic int seen = 0;
		uint32_t slot = claim(0);
		long tid = clone_task(raw_thread | CLONE_VFORK, show_up, &seen, slot);
		must(tid > 0, "clone");
		printf("process: %d, thread: %ld, it ran: %d\n", getpid(), tid, seen);
		await_end(slot);
	}
	return 0;
}
