/*
 * Makes a thread with CLONE_PTRACE and CLONE_UNTRACED: it is attached to the tracer, which gets no
 * event of its birth. Waits for the thread's end, and ends with 0.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

static char stack[1 << 14] __attribute__((aligned(64)));
static volatile pid_t gone = 1;

/* No libc in here: a raw clone has no thread storage of its own. */
static int end(void *arg)
{
	(void)arg;
	return 6;
}

int main(void)
{
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			  CLONE_SYSVSEM | CLONE_CHILD_CLEARTID;

	if (clone(end, stack + sizeof stack, flags | CLONE_PTRACE | CLONE_UNTRACED, NULL, NULL, NULL,
		  (void *)&gone) < 0)
		return 1;
	while (gone)
		syscall(SYS_futex, &gone, FUTEX_WAIT, 1, NULL, NULL, 0);
	return 0;
}
