/*
 * Four threads make threads that end at once, while a debugger attaches.
 *
 * 1. The debugger reads the ids of the threads from /proc/PID/task.
 * 2. A thread ends before the debugger comes to it: PTRACE_ATTACH is ESRCH for it; or after, and
 *    the wait for its stop gives its end. Both are deaths, and no failure of the attach.
 *
 * It loops, since nothing tells when a debugger has read an id and not attached to it yet.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void *end(void *unused)
{
	return unused;
}

static void *churn(void *unused)
{
	pthread_t thread;
	for (;;)
		if (pthread_create(&thread, NULL, end, NULL) || pthread_join(thread, NULL))
			exit(2);
	return unused;
}

int main(void)
{
	pthread_t thread;
	for (int i = 0; i < 4; i++)
		if (pthread_create(&thread, NULL, churn, NULL))
			exit(2);
	dprintf(1, "%d\n", getpid());
	return pthread_join(thread, NULL);
}
