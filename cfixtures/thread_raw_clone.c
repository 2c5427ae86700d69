/*
 * Makes n threads by the bare clone system call: they have no libc and no TLS of their own.
 *
 * A debugger that learns of threads from libthread_db does not see them. Main waits for each by the
 * word that the kernel clears at its end. Checkpoint 1 is half way.
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
		one_raw_thread(0);
	}
	return 0;
}
