/*
 * A thread vforks, and its child ends when another thread of the process has run.
 *
 * 1. A thread vforks: it sleeps in the kernel until its child has ended or executed a program. Its
 *    tracer is told of the beginning (PTRACE_EVENT_VFORK) and the end (PTRACE_EVENT_VFORK_DONE).
 * 2. The kernel stops no other thread of the process meanwhile.
 * 3. A debugger that lets no other thread run before PTRACE_EVENT_VFORK_DONE changes the program.
 *    Here the child waits for another thread, so both stand for ever. The same happens if another
 *    thread is to execute a program, to end the process, or to vfork too.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static volatile int child_there, thread_ran;

static void *create(void *unused)
{
	if (vfork() == 0) {
		child_there = 1;
		while (!thread_ran)
			usleep(1000); // sleep: a child in vfork may take no lock
		_exit(0);
	}
	return unused;
}

int main(void)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, create, NULL))
		exit(2);
	while (!child_there)
		usleep(1000); // sleep: the other thread is on its way
	thread_ran = 1;
	if (pthread_join(thread, NULL))
		exit(2);
	puts("good: the vfork came to its end");
	return 0;
}
