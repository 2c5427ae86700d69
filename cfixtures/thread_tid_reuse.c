/*
 * Makes n threads one after the other that all have the same tid.
 *
 * clone3's set_tid asks for the tid of the first. Each birth and each death is an event of its own;
 * a debugger that knows threads by their tids takes them for one. Checkpoint 1 is half way.
 *
 * param: n=4
 * want: main: clone main/1..n, exit 0
 * want: main/1..n: exit 0
 * needs: linux>=5.5 cap_sys_admin witness
 * modes: launch attach_before attach_during detach_during stops
 */
#include "clone.h"

/* Makes a thread, with this tid if it is not zero, waits for its end, and returns its tid. */
static pid_t make(pid_t tid)
{
	uint32_t slot = claim(0);
	struct clone_args same = {.set_tid = tid ? (uintptr_t)&tid : 0, .set_tid_size = tid != 0};
	long made;
	/* A tid is free some time after its thread's end, when a tracer too has seen that. Nothing
	 * tells when. */
	while ((made = clone3_thread(end_at_once, NULL, slot, same)) < 0 && errno == EEXIST)
		sched_yield();
	must(made > 0, "clone3");
	await_end(slot);
	return made;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	long n = param("n", "4");
	pid_t tid = 0;
	for (long i = 0; i < n; i++) {
		if (i == n / 2)
			checkpoint(1);
		tid = make(tid);
		printf("life %ld of a tid\n", i + 1);
	}
	return 0;
}
