/*
 * A thread executes a program as soon as it is born, 20 times over.
 *
 * 1. main, the leader, makes a thread. Its tracer is told (PTRACE_EVENT_CLONE), and main stands in
 *    that stop.
 * 2. The new thread runs, and calls execve at once. That kills main out of its stop.
 * 3. A tracer that reads main's registers now, or resumes it, gets ESRCH. Then PTRACE_EVENT_EXEC
 *    comes under main's id, of the new thread.
 *
 * It loops: the new thread must come to its execve between main's stop and the tracer's next
 * request, which are both the tracer's own doing.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char *name, count[16];

static void *execute(void *unused)
{
	execl("/proc/self/exe", name, count, NULL);
	perror("execl");
	exit(2);
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	int programs = argc > 1 ? atoi(argv[1]) : 0;
	if (programs == 20) {
		puts("good: all 20 programs ran");
		return 0;
	}
	name = argv[0];
	snprintf(count, sizeof count, "%d", programs + 1);
	if (pthread_create(&thread, NULL, execute, NULL))
		exit(2);
	for (;;)
		pause();
}
