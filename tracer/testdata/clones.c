/*
 * Makes births of which the ptrace event does not tell the kind: a thread with CLONE_VFORK, a
 * thread with SIGCHLD as its exit signal, and a process without an exit signal.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/futex.h>
#include <unistd.h>

static char stack[1 << 14] __attribute__((aligned(64)));
static volatile pid_t gone;

/* No libc in here: a raw clone has no thread storage of its own. */
static int end(void *code)
{
	return (int)(long)code;
}

static int thread(int flags, long code)
{
	flags |= CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
	gone = 1; /* the kernel clears it, and wakes us, when the thread has ended */
	if (clone(end, stack + sizeof stack, flags | CLONE_CHILD_CLEARTID, (void *)code, NULL, NULL,
		  (void *)&gone) < 0)
		return -1;
	while (gone)
		syscall(SYS_futex, &gone, FUTEX_WAIT, 1, NULL, NULL, 0);
	return 0;
}

int main(void)
{
	int status;
	pid_t child;

	if (thread(CLONE_VFORK, 5) < 0 || thread(SIGCHLD, 6) < 0)
		return 1;
	child = clone(end, stack + sizeof stack, CLONE_FILES, (void *)7);
	if (child < 0 || waitpid(child, &status, __WALL) != child)
		return 1;
	return WEXITSTATUS(status) == 7 ? 0 : 1;
}
