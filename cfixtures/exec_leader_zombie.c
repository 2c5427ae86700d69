/*
 * Main alone ends, with 7; then the last of n threads executes the program anew.
 *
 * The thread that executes gets main's id, and its status is the process's. Checkpoint 1 is just
 * before the exec; one more thread comes and goes after it.
 *
 * param: n=4
 * want: main: clone main/1..n, exit 7
 * want: main/1..n-1: exit 0
 * want: main/n: clone ./1, exec, exit 3
 * want: main/n/1: exit 0
 * modes: launch attach_before attach_during detach_during stops
 */
#include "process.h"

static void *thread(void *slot)
{
	announce((uintptr_t)slot);
	await_end(0);
	checkpoint(1);
	one_thread((uintptr_t)slot);
	exec_again((uintptr_t)slot);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	printf("process: %d, thread: %ld, program %u\n", getpid(), syscall(SYS_gettid), execs);
	if (execs)
		return 3;
	clear_at_end(0);
	for (long n = param("n", "4"); n > 1; n--)
		make_thread(parked_thread, 0);
	make_thread(thread, 0);
	syscall(SYS_exit, 7);
}
