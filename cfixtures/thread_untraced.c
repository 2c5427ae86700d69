/*
 * Makes three threads, the second of which has CLONE_UNTRACED: the kernel tells no tracer of it.
 *
 * A debugger need not know it, and may: it stands in /proc/PID/task like the others. Checkpoint
 * 1 is after it was made.
 *
 * want: main: clone main/1, clone main/2 untraced, clone main/3, exit 0
 * want: main/1..3: exit 0
 * modes: launch attach_before attach_during detach_during stops
 */
#include "fixture.h"

static int run(void *arg)
{
	_Atomic int *seen = arg;
	*seen = 1;
	return 0;
}

static void make(long flags)
{
	_Atomic int seen = 0;
	uint32_t slot = claim(0);
	long tid = clone_task(raw_thread | flags, run, &seen, slot);
	must(tid > 0, "clone");
	await_end(slot);
	printf("process: %d, thread: %ld, it ran: %d\n", getpid(), tid, seen);
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	make(0);
	make(CLONE_UNTRACED);
	checkpoint(1);
	make(0);
	return 0;
}
