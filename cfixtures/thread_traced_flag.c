/*
 * Makes n threads by clone with CLONE_PTRACE: they are traced from birth if their creator is.
 *
 * A debugger that set the options for births is told as ever; one that did not gets
 * tracees of which no event tells. Checkpoint 1 is half way.
 *
 * param: n=4
 * want: main: clone main/1..n, exit 0
 * want: main/1..n: exit 0
 * modes: launch attach_before attach_during detach_during stops
 */
#include "fixture.h"

static int run(void *arg)
{
	_Atomic int *seen = arg;
	*seen = 1;
	return 0;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	long n = param("n", "4");
	for (long i = 0; i < n; i++) {
		_Atomic int seen = 0;
		if (i == n / 2)
			checkpoint(1);
		uint32_t slot = claim(0);
		long tid = clone_task(raw_thread | CLONE_PTRACE, run, &seen, slot);
		must(tid > 0, "clone");
		await_end(slot);
		printf("process: %d, thread: %ld, it ran: %d\n", getpid(), tid, seen);
	}
	return 0;
}
