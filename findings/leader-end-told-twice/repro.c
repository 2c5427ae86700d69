/*
 * The leader of a process ends before its other thread.
 *
 * 1. main, the leader, ends by exit(2). It is a zombie, and its process lives on. The kernel
 *    reports no wait status of it yet.
 * 2. The other thread ends a moment later. Now the kernel reports the end of the process, as the
 *    leader's wait status: once.
 * 3. A debugger that has taken the zombie in /proc for the thread's end meets the status of a
 *    thread that it has dropped.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *live_on(void *leader)
{
	if (pthread_join(*(pthread_t *)leader, NULL))
		exit(2);
	usleep(200000); // sleep: the leader is a zombie some moments later
	puts("good: the process came to its end");
	fflush(stdout);
	syscall(SYS_exit, 0);
	return NULL;
}

int main(void)
{
	static pthread_t leader, thread;
	leader = pthread_self();
	printf("process %d\n", getpid());
	fflush(stdout);
	if (pthread_create(&thread, NULL, live_on, &leader))
		exit(2);
	syscall(SYS_exit, 0);
}
