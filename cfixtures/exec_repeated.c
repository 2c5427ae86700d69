/*
 * Executes itself n times; each of the programs makes a thread and joins it.
 *
 * Checkpoint 1 is half way.
 *
 * param: n=10
 * want: main: clone main/1..n+1, exit 0, at least n exec, at most n exec
 * want: main/1..n+1: exit 0
 * modes: launch attach_before attach_during detach_during stops
 */
#include "process.h"

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	printf("process: %d, thread: %ld, program %u\n", getpid(), syscall(SYS_gettid), execs);
	uint32_t n = param("n", "10");
	must(!pthread_join(make_thread(announce_only, main_slot), NULL), "pthread_join");
	if (execs == n / 2)
		checkpoint(1);
	if (execs < n)
		exec_again(main_slot);
	return 0;
}
