/*
 * Main alone ends, with 7, and later the last thread, with 9: kernels differ in which is the status
 * of the process.
 *
 * Since Linux 6.1 (d80f7d7b2c75) the task that ends last counts as the one that ends the group,
 * with its code; before, the process had its leader's. Main's own status is 7 on either. Checkpoint
 * 1 is between the two ends; one more thread comes and goes after it.
 *
 * want: [linux>=6.1] main: clone main/1, exit 7, end 9
 * want: [linux<6.1] main: clone main/1, exit 7
 * want: main/1: clone ./1, exit 9
 * want: main/1/1: exit 0
 * modes: launch attach_before attach_during detach_during stops
 * alone: its process ends with the last of its threads, and a host's would live on
 */
#include "fixture.h"

static void *thread(void *slot)
{
	announce((uintptr_t)slot);
	await_end(0);
	checkpoint(1);
	one_thread((uintptr_t)slot);
	printf("thread: %ld, main has ended\n", syscall(SYS_gettid));
	syscall(SYS_exit, 9);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	clear_at_end(0);
	make_thread(thread, 0);
	syscall(SYS_exit, 7);
}
