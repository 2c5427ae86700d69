/*
 * Makes n threads, one after the other; each ends with its number.
 *
 * This comment declares the fixture. Its first sentence is what reports print. "param:" gives
 * the parameters and their values; if these are for use by hand, "quick:" gives other values
 * for the suite. Each "want:" says what the kernel does to some tasks, which are named by their
 * birth paths: main/2 is the second task that main makes. "modes:" says how a debugger may meet
 * the program. In the middle of its work main waits at checkpoint 1, where debuggers attach,
 * detach or stop it. The output is compared with that of a run without a debugger. Ids differ
 * from run to run: print them as "thread: ID" or "process: ID", so that they are recognised.
 *
 * param: n=3
 * want: main: clone main/1..n, exit 0
 * want: main/1..n: exit 0
 * modes: launch attach_before attach_during detach_during stops
 */
#include "fixture.h"

static void *thread(void *slot)
{
	announce((uintptr_t)slot); /* each task does this first: it writes its id for the harness */
	printf("thread: %ld\n", syscall(SYS_gettid));
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv); /* announces main and waits at the gate, checkpoint 0 */
	long n = param("n", "3");
	for (long i = 0; i < n; i++) {
		if (i == n / 2)
			checkpoint(1);
		must(!pthread_join(start_thread(thread, 0), NULL), "pthread_join"); /* 0 is main's slot */
	}
	return 0;
}
