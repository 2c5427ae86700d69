/*
 * Makes n threads that end, and executes itself when they have ended.
 *
 * The exec waits, in D, until a tracer too has waited for the dead threads. Checkpoint 1 is just
 * before; one more thread comes and goes after it.
 *
 * param: n=4
 * want: main: clone main/1..n+1, exec, exit 0
 * want: main/1..n+1: exit 0
 * modes: launch attach_before attach_during detach_during stops
 */
#include "process.h"

static void *thread(void *arg)
{
	uint32_t slot = (uintptr_t)arg;
	clear_at_end(slot);
	announce(slot);
	syscall(SYS_exit, 0);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	if (execs) {
		printf("process: %d, thread: %ld, executed\n", getpid(), syscall(SYS_gettid));
		return 0;
	}
	long n = param("n", "4");
	for (long i = 0; i < n; i++)
		make_thread(thread, 0);
	for (long slot = 1; slot <= n; slot++)
		await_end(slot);
	checkpoint(1);
	one_thread(0);
	exec_again(0);
}
