/*
 * A debugger lets go of a process whose leader has ended and whose other thread lives on.
 *
 * 1. main, the leader, ends by pthread_exit. It is a zombie until the last thread has ended, and
 *    the kernel reports its wait status only then. Its tracer was told by PTRACE_EVENT_EXIT, or
 *    finds it in /proc as a zombie.
 * 2. The other thread sends itself SIGUSR1, so that the debugger stops there.
 * 3. The debugger detaches. PTRACE_DETACH is ESRCH for the zombie, and granted for the thread.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void handle(int signal)
{
	(void)signal;
}

static void *live_on(void *leader)
{
	if (pthread_join(*(pthread_t *)leader, NULL))
		exit(2);
	usleep(200000); // sleep: the leader is a zombie some moments later
	pthread_kill(pthread_self(), SIGUSR1);
	puts("good: the thread goes on");
	exit(0);
}

int main(void)
{
	static pthread_t leader, thread;
	leader = pthread_self();
	signal(SIGUSR1, handle);
	if (pthread_create(&thread, NULL, live_on, &leader))
		exit(2);
	pthread_exit(NULL);
}
