/*
 * Makes n threads by clone with CLONE_PTRACE: they are traced from birth if their creator is.
 *
 * A debugger that set the options for births is told as ever; one that did not gets tracees of
 * which no event tells. Checkpoint 1 is half way.
 *
 * param: n=4
 * want: main: clone main/1..n, exit 0
 * want: main/1..n: exit 0
 * modes: launch attach_before attach_during detach_during stops
 */
#include "clone.h"

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	long n = param("n", "4");
	for (long i = 0; i < n; i++) {
		if (i == n / 2)
			checkpoint(1);
		one_raw_thread(CLONE_PTRACE);
	}
	return 0;
}
