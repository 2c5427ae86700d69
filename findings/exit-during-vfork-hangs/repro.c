/*
 * A process ends while one of its threads waits for the end of its vfork's child.
 *
 * 1. A thread vforks. Its tracer is told (PTRACE_EVENT_VFORK), and traces the child too. The thread
 *    sleeps in the kernel until the child has ended or executed a program.
 * 2. Another thread ends the process by exit_group. That kills the thread that waits, and the child
 *    lives on, with the memory of the process that has ended.
 * 3. So PTRACE_EVENT_VFORK_DONE never comes. The threads' ends are reported.
 * 4. A debugger that waits for the vfork's end waits for ever, and holds the child.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static volatile int there;

static void *create(void *unused)
{
	const char good[] = "good: the child of the vfork came to its end\n";
	int ends[2];
	char byte;
	if (pipe(ends))
		exit(2);
	if (vfork() == 0) {
		close(ends[1]);
		there = 1;
		while (read(ends[0], &byte, 1) > 0)
			; /* end of file, when the process has ended */
		_exit(write(1, good, sizeof good - 1) < 0);
	}
	return unused;
}

int main(void)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, create, NULL))
		exit(2);
	while (!there)
		usleep(1000);
	_exit(6);
}
