/*
 * A process is killed while one of its threads waits for the end of its vfork's child.
 *
 * 1. A thread vforks, and its tracer is told (PTRACE_EVENT_VFORK). The thread sleeps in the kernel
 *    until its child has ended or executed a program.
 * 2. The child kills the process. That ends the thread's sleep, and the thread. The child lives on,
 *    with the memory of the process that has ended.
 * 3. So PTRACE_EVENT_VFORK_DONE never comes. The wait statuses of all threads do, the leader's
 *    last: killed by SIGKILL.
 * 4. A debugger that waits for the vfork's end alone may not take them for the process's end.
 *
 * It loops: which of these statuses the debugger meets first is its own doing.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void *create(void *unused)
{
	const char good[] = "good: the child of the vfork came to its end\n";
	if (vfork() == 0) {
		kill(getppid(), SIGKILL);
		usleep(200000); // sleep: it outlives the process
		_exit(write(1, good, sizeof good - 1) < 0);
	}
	return unused;
}

int main(void)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, create, NULL))
		exit(2);
	return pthread_join(thread, NULL);
}
