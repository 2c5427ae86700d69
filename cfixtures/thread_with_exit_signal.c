/*
 * Makes n threads by clone with an exit signal, SIGCHLD, which the kernel takes and does not use.
 *
 * The kernel tells main's tracer of a fork, and yet they are threads: the event's kind goes by the
 * exit signal that was asked for, while a thread has none (copy_process in kernel/fork.c). clone3
 * refuses this.
 *
 * param: n=2
 * want: main: clone main/1..n, exit 0
 * want: main/1..n: exit 0
 */
#include "clone.h"
#include <signal.h>

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	long n = param("n", "2");
	for (long i = 0; i < n; i++)
		one_raw_thread(SIGCHLD);
	return 0;
}
