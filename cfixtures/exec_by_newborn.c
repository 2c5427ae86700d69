/*
 * Makes a thread that executes the program at once, n times over.
 *
 * So the exec comes while the thread's creator, the leader, may still be at the birth's event stop.
 * The exec kills the leader out of that stop. A tracer that resumes the leader from there resumes
 * it from its exit stop without seeing that, since no wait status of a leader follows an exec.
 *
 * param: n=20
 * want: main: clone main/1, exit 0
 * want: main/1^1..n-1: exec, clone ./1, exit 0
 * want: main/1^n: exec, exit 3
 */
#include "process.h"

static void *executor(void *slot)
{
	announce((uintptr_t)slot);
	exec_again((uintptr_t)slot);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	printf("process: %d, thread: %ld, program %u\n", getpid(), syscall(SYS_gettid), execs);
	if (execs == param("n", "20"))
		return 3;
	make_thread(executor, main_slot);
	park();
}
