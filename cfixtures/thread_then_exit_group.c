/*
 * Makes n threads and calls exit_group(7) at once: the newborn may never have run.
 *
 * Each has the process's status, since none ends by itself. A tracer that waits for the newborn's
 * first stop before anything else hangs.
 *
 * param: n=2
 * want: main: clone main/1..n, exit 7
 * want: main/1..n: exit 7
 */
#include "clone.h"

static volatile int endless = 1;

/* Runs until the process ends. It has no libc to wait with. */
static int run_on(void *arg)
{
	(void)arg;
	while (endless)
		;
	return 0;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	long n = param("n", "2");
	printf("%ld threads, then exit_group\n", n);
	for (long i = 0; i < n; i++)
		must(clone_task(raw_thread, run_on, NULL, claim(0)) > 0, "clone");
	syscall(SYS_exit_group, 7);
	return 1;
}
