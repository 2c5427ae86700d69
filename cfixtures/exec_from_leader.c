/*
 * Main executes the program anew while n threads wait; they end with 0.
 *
 * Checkpoint 1 is just before the exec. One more thread comes and goes before the checkpoint, and
 * one after.
 *
 * param: n=4
 * want: main: clone main/1..n+2, exec, exit 3
 * want: main/1..n+2: exit 0
 * modes: launch attach_before attach_during detach_during stops
 */
#include "process.h"

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	printf("process: %d, thread: %ld, program %u\n", getpid(), syscall(SYS_gettid), execs);
	if (execs)
		return 3;
	for (long n = param("n", "4"); n > 0; n--)
		make_thread(parked_thread, 0);
	one_thread(0);
	checkpoint(1);
	one_thread(0);
	exec_again(0);
}
