/*
 * Two threads execute the program anew at once: one succeeds, and the other ends.
 *
 * Which of them succeeds is open. Checkpoint 1 is when both are there. One more thread comes and
 * goes before the checkpoint, and one after.
 *
 * want: main: clone main/1..4, exit 0
 * want: main/1..2: exit 0, at least 1 exec, at most 1 exec
 * want: main/3..4: exit 0
 * modes: launch attach_before attach_during detach_during stops
 */
#include "process.h"

static pthread_barrier_t both;

static void *thread(void *slot)
{
	announce((uintptr_t)slot);
	pthread_barrier_wait(&both);
	exec_again((uintptr_t)slot);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	printf("program %u\n", execs);
	if (execs)
		return 0;
	must(!pthread_barrier_init(&both, NULL, 3), "pthread_barrier_init");
	make_thread(thread, 0);
	make_thread(thread, 0);
	one_thread(0);
	checkpoint(1);
	one_thread(0);
	pthread_barrier_wait(&both);
	park();
}
