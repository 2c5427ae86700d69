/*
 * A program makes a thread by clone(2) with SIGCHLD as its exit signal.
 *
 * 1. The kernel takes that signal, and does not use it: a thread's end is told to no parent
 *    (copy_process in kernel/fork.c). clone3(2) refuses it.
 * 2. It picks the event by the flags of the clone: PTRACE_EVENT_VFORK if CLONE_VFORK is set, else
 *    PTRACE_EVENT_FORK if the exit signal is SIGCHLD, else PTRACE_EVENT_CLONE (kernel_clone). So
 *    the event of this thread is FORK.
 * 3. CLONE_THREAD makes a thread all the same: Tgid in /proc/TID/status is its creator's process.
 * 4. A debugger that goes by the event alone takes the thread for a process, and lets go of it if
 *    it is not to follow new processes.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Tells whether a task has a tracer, by its status in /proc. */
static int traced(const char *name)
{
	char line[128];
	int tracer = 0;
	FILE *status = fopen(name, "r");
	while (status && fgets(line, sizeof line, status))
		sscanf(line, "TracerPid: %d", &tracer);
	return status && !fclose(status) && tracer;
}

/* The thread uses its creator's thread-local storage, while the creator sleeps. */
static int look(void *result)
{
	usleep(200000); // sleep: the debugger has dealt with the event
	*(volatile int *)result = traced("/proc/thread-self/status");
	return 0;
}

int main(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	volatile int thread_traced = -1;
	int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
	int tid = clone(look, stack + sizeof stack, flags | SIGCHLD, (void *)&thread_traced);
	if (tid < 0) {
		perror("clone");
		exit(2);
	}
	while (thread_traced < 0)
		usleep(1000); // sleep: the other thread is on its way
	if (traced("/proc/self/status") && !thread_traced)
		printf("BAD: thread %d is not traced, and main is\n", tid);
	else
		puts("good: the thread is treated like main");
	return 0;
}
