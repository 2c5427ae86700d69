/*
 * A thread executes a program while another waits for the end of its vfork's child.
 *
 * 1. A thread vforks. Its tracer is told (PTRACE_EVENT_VFORK). It sleeps in the kernel until the
 *    child has ended or executed a program.
 * 2. Another thread calls execve. That kills the thread that waits, and the child lives on.
 * 3. So PTRACE_EVENT_VFORK_DONE never comes. PTRACE_EVENT_EXEC tells that no other thread is left.
 * 4. A debugger that now lets the program stand until the child has gone waits for ever, since here
 *    the new program has the child end.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static volatile int there;

static void *create(void *unused)
{
	int ends[2];
	char byte;
	if (pipe(ends) || dup2(ends[1], 0) || close(ends[1])) /* 0: the new program has it too */
		exit(2);
	if (vfork() == 0) {
		close(0);
		there = 1;
		_exit(read(ends[0], &byte, 1) != 1);
	}
	return unused;
}

static void *execute(void *name)
{
	while (!there)
		usleep(1000);
	execl("/proc/self/exe", name, "again", NULL);
	perror("execl");
	exit(2);
}

int main(int argc, char **argv)
{
	pthread_t thread;
	if (argc > 1) {
		if (write(0, "", 1) != 1)
			exit(2);
		puts("good: the new program came to its end");
		return 0;
	}
	if (pthread_create(&thread, NULL, create, NULL) ||
	    pthread_create(&thread, NULL, execute, argv[0]))
		exit(2);
	for (;;)
		pause();
}
