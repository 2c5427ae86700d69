/*
 * A program makes a process that shares its memory, by clone(2) with CLONE_VM and no exit signal.
 *
 * 1. The kernel picks the event by the flags of the clone: PTRACE_EVENT_VFORK if CLONE_VFORK is
 *    set, else PTRACE_EVENT_FORK if the exit signal is SIGCHLD, else PTRACE_EVENT_CLONE
 *    (kernel_clone in kernel/fork.c). So the event of this process is CLONE.
 * 2. Without CLONE_THREAD it is a process all the same: Tgid in /proc/PID/status is its own id.
 * 3. A debugger that goes by the event alone takes it for a thread of its creator.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int child(void *unused)
{
	usleep(200000); // sleep: the debugger has dealt with the event
	return unused != NULL;
}

int main(void)
{
	static char stack[16384] __attribute__((aligned(16)));
	int status, pid = clone(child, stack + sizeof stack, CLONE_VM, NULL);
	printf("process %d has made process %d\n", getpid(), pid);
	if (pid < 0 || waitpid(pid, &status, __WALL) != pid) {
		perror("clone");
		exit(2);
	}
	puts("good: both processes came to their ends");
	return 0;
}
