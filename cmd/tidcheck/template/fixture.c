/*
 * Makes n threads, one after the other; each ends with its number.
 *
 * This is the whole declaration of a fixture. The first sentence is what reports print. "param:" has the
 * values that it is run with, or "quick:" does where those are for use by hand. Each "want:"
 * says what the kernel does to some tasks, named by their birth paths: main/2 is the second
 * task that main makes. "modes:" says how a debugger may meet it; main parks
 * at checkpoint 1 in the middle of its work, where debuggers attach, detach or stop it.
 * Output is compared with that of a run without a debugger: write "thread: ID" and "process: ID", and
 * the ids, which differ from run to run, are known as such.
 *
 * param: n=3
 * want: main: clone main/1..n, exit 0
 * want: main/1..n: exit 0
 * modes: launch attach_before attach_during detach_during stops
 */
#include "fixture.h"

static void *thread(void *slot)
{
	announce((uintptr_t)slot); /* the first act of each task: it writes its id where the harness looks */
	printf("thread: %ld\n", syscall(SYS_gettid));
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv); /* announces main, and waits at the gate, which is checkpoint 0 */
	long n = param("n", "3");
	for (long i = 0; i < n; i++) {
		if (i == n / 2)
			checkpoint(1);
		must(!pthread_join(start_thread(thread, 0), NULL), "pthread_join"); /* 0 is main's slot */
	}
	return 0;
}
