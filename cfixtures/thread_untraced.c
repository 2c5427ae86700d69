/*
 * Makes three threads, the second of which has CLONE_UNTRACED: the kernel tells no tracer of it.
 *
 * A debugger need not know it, and may: /proc/PID/task lists it like the others. Checkpoint 1 is
 * after it was made.
 *
 * want: main: clone main/1, clone main/2 untraced, clone main/3, exit 0
 * want: main/1..3: exit 0
 * modes: launch attach_before attach_during detach_during stops
 */
#include "clone.h"

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	one_raw_thread(0);
	one_raw_thread(CLONE_UNTRACED);
	checkpoint(1);
	one_raw_thread(0);
	return 0;
}
