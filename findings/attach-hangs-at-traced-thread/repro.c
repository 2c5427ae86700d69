/*
 * One thread of a program has a tracer already.
 *
 * 1. Another process traces the second thread, by PTRACE_SEIZE.
 * 2. A debugger attaches to the program. A task has one tracer: PTRACE_ATTACH is granted for the
 *    first thread, and is EPERM for the second (ptrace_attach in kernel/ptrace.c).
 * 3. The second thread stands in /proc/PID/task at each look, is untraced as far as the debugger
 *    knows, and is refused at each attempt. A debugger that looks until it has attached to all
 *    threads that it sees looks for ever, and the first thread stands.
 *
 * By hand: run it, attach to the id that it prints, and press Enter when the debugger has ended.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHECK(done) ((done) ? (void)0 : (perror(#done), exit(2)))

static volatile pid_t second;

/* The other process. */
static void trace(pid_t pid)
{
	char command[99];
	CHECK(!ptrace(PTRACE_SEIZE, second, NULL, NULL));
	dprintf(1, "%d\n", pid);
	getchar();
	sleep(1); // sleep: what the debugger's end did has come to pass
	snprintf(command, sizeof command, "grep -qs '^State:.[Tt]' /proc/%d/task/*/status", pid);
	puts(system(command) ? "good: no thread is stopped" : "BAD: the program is left stopped");
	exit(0);
}

static void *wait_here(void *unused)
{
	second = syscall(SYS_gettid);
	for (;;)
		pause();
	return unused;
}

int main(void)
{
	pthread_t thread;
	CHECK(!pthread_create(&thread, NULL, wait_here, NULL));
	while (!second)
		usleep(1000); // sleep: the other thread is on its way
	if (fork() == 0)
		trace(getppid());
	return pthread_join(thread, NULL);
}
