/*
 * The first of n threads executes the program anew while main and the others wait.
 *
 * The others end with 0, and so does main. The thread that executes gets main's id; its own id
 * vanishes without an end. The program also serves for a tracer without PTRACE_O_TRACEEXEC.
 * Checkpoint 1 is just before the exec. One more thread comes and goes before the checkpoint, and
 * one after.
 *
 * param: n=4
 * want: main: clone main/1..n, exit 0
 * want: main/1: clone ./1..2, exec, exit 3
 * want: main/2..n: exit 0
 * want: main/1/1..2: exit 0
 * modes: launch attach_before attach_during detach_during stops
 * set: quick
 */
#include "process.h"

static pthread_barrier_t all;

static void *thread(void *slot)
{
	announce((uintptr_t)slot);
	pthread_barrier_wait(&all);
	one_thread((uintptr_t)slot);
	checkpoint(1);
	one_thread((uintptr_t)slot);
	exec_again((uintptr_t)slot);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	printf("process: %d, thread: %ld, program %u\n", getpid(), syscall(SYS_gettid), execs);
	if (execs)
		return 3;
	must(!pthread_barrier_init(&all, NULL, 2), "pthread_barrier_init");
	make_thread(thread, 0);
	for (long n = param("n", "4"); n > 1; n--)
		make_thread(parked_thread, 0);
	pthread_barrier_wait(&all);
	park();
}
