/*
 * A thread ends by exit(2) with status 42, and its process goes on.
 *
 * The kernel reports the end of a traced thread by a wait status of its own: exited, 42.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *end(void *unused)
{
	syscall(SYS_exit, 42);
	return unused;
}

int main(void)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, end, NULL) || pthread_join(thread, NULL))
		exit(2);
	usleep(200000); // sleep: the thread's end is told to its tracer
	puts("good: the process came to its end");
	return 0;
}
