/*
 * Makes n threads and sends SIGKILL to its whole process at once: a newborn's first stop may never
 * come.
 *
 * param: n=2
 * want: main: clone main/1..n, killed SIGKILL
 * want: main/1..n: killed SIGKILL
 */
#include "clone.h"
#include <signal.h>

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
	printf("%ld threads, then SIGKILL\n", n);
	for (long i = 0; i < n; i++)
		must(clone_task(raw_thread, run_on, NULL, claim(0)) > 0, "clone");
	must(!kill(getpid(), SIGKILL), "kill");
	return 1;
}
