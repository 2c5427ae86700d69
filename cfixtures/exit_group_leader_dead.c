/*
 * Main alone ends, with 7; then the last of n threads ends the process with exit_group(42).
 *
 * Main's own status is 7, and the process's is 42. Checkpoint 1 is between the two ends; one more
 * thread comes and goes after it.
 *
 * param: n=4
 * want: main: clone main/1..n, exit 7, end 42
 * want: main/1..n-1: exit 42
 * want: main/n: clone ./1, exit 42
 * want: main/n/1: exit 0
 * modes: launch attach_before attach_during detach_during stops
 */
#include "fixture.h"

static void *thread(void *slot)
{
	announce((uintptr_t)slot);
	await_end(0);
	checkpoint(1);
	one_thread((uintptr_t)slot);
	printf("thread: %ld, exit_group(42)\n", syscall(SYS_gettid));
	syscall(SYS_exit_group, 42);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	clear_at_end(0);
	for (long n = param("n", "4"); n > 1; n--)
		make_thread(parked_thread, 0);
	make_thread(thread, 0);
	syscall(SYS_exit, 7);
}
