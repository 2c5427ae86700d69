/*
 * A thread waits for the end of its vfork's child while a debugger attaches and lets go.
 *
 * 1. A thread vforks. It sleeps in the kernel, in D, until its child has ended or executed a
 *    program. This child lives on.
 * 2. PTRACE_ATTACH and PTRACE_SEIZE are granted for that thread. Neither the SIGSTOP nor a
 *    PTRACE_INTERRUPT stops it before its child lets it go on: only SIGKILL ends that sleep
 *    (wait_for_vfork_done in kernel/fork.c).
 * 3. A debugger that waits for the stop of all threads waits for the child, and the other threads,
 *    which have stopped, stand as long as that.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CHECK(done) ((done) ? (void)0 : (perror(#done), exit(2)))

/* Tells whether the status of some thread has such a line. */
static int some_thread(pid_t pid, const char *line)
{
	char command[99];
	snprintf(command, sizeof command, "grep -qs '%s' /proc/%d/task/*/status", line, pid);
	return system(command) == 0;
}

/* Another process: gives the debugger some seconds to attach and to let go. */
static void judge(pid_t pid)
{
	while (!some_thread(pid, "^State:.D"))
		usleep(10000); // sleep: /proc tells of no change
	dprintf(1, "%d\n", pid);
	while (!some_thread(pid, "^TracerPid:.[1-9]"))
		usleep(10000); // sleep: /proc tells of no change
	for (int i = 0; i < 80 && some_thread(pid, "^TracerPid:.[1-9]"); i++)
		usleep(100000); // sleep: /proc tells of no change
	puts(some_thread(pid, "^TracerPid:.[1-9]")
		     ? "BAD: 8 seconds after its attach began the debugger has not let go"
		     : "good: the debugger attached and let go");
	exit(0);
}

static void *create(void *unused)
{
	if (vfork() == 0)
		for (;;)
			pause();
	return unused;
}

int main(void)
{
	pthread_t thread;
	CHECK(!pthread_create(&thread, NULL, create, NULL));
	if (fork() == 0)
		judge(getppid());
	return pthread_join(thread, NULL);
}
