/*
 * A thread that the tracer does not trace inherits the tracer's seccomp filter.
 *
 * 1. strace --seccomp-bpf starts a program with a filter of its own, which answers the system calls
 *    that it is to show with SECCOMP_RET_TRACE, so that only these stop.
 * 2. The program makes a thread with CLONE_UNTRACED: the kernel tells no tracer of it, and it is
 *    not traced. It inherits the filter all the same.
 * 3. SECCOMP_RET_TRACE without a tracer is ENOSYS. So each such call fails in this thread.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile long parent = -2;

/* It has no thread-local storage of its own; this call needs none, unless it fails. */
static int thread(void *unused)
{
	parent = syscall(SYS_getppid);
	for (;;)
		pause();
	return unused != NULL;
}

int main(void)
{
	static char stack[16384] __attribute__((aligned(16)));
	int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
	if (clone(thread, stack + sizeof stack, flags | CLONE_UNTRACED, NULL) < 0) {
		perror("clone");
		exit(2);
	}
	while (parent == -2)
		usleep(1000); // sleep: the other thread is on its way
	if (parent < 0)
		puts("BAD: getppid failed in the thread that is not traced");
	else
		puts("good: getppid succeeds");
	return 0;
}
