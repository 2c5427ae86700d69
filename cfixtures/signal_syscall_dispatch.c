/*
 * Each of n threads has its system calls refused by SIGSYS, r times, and allows them in its
 * handler, as Wine does.
 *
 * Syscall user dispatch (PR_SET_SYSCALL_USER_DISPATCH) has a byte in the thread's memory say if a
 * call may be made. A debugger that keeps a SIGSYS to itself is seen by the counts. Each thread
 * then makes another, which does not inherit its dispatch. Checkpoint 1 is half way.
 *
 * param: n=3 r=10
 * want: main: clone main/1..n, exit 0
 * want: main/1..n: clone ./1, exit 0
 * want: main/1..n/1: exit 0
 * needs: syscall_dispatch
 * modes: launch attach_before attach_during detach_during stops
 */
#include "fixture.h"
#include <signal.h>
#include <sys/prctl.h>

enum { set_dispatch = 59, off = 0, on = 1, allow = 0, block = 1 }; /* linux/prctl.h from 5.11 on */

static __thread volatile char selector;
static __thread uint32_t own;

/* The kernel has handled the call as a signal; by its return the call is not made. */
static void refused(int signal)
{
	(void)signal;
	selector = allow;
	if (own < ledger->capacity)
		ledger->slots[own].handled++;
}

static void *thread(void *slot)
{
	own = (uintptr_t)slot;
	announce(own);
	long refusals = 0, r = param("r", "10");
	must(!prctl(set_dispatch, on, 0L, 0L, &selector), "PR_SET_SYSCALL_USER_DISPATCH");
	for (long i = 0; i < r; i++) {
		if (own < ledger->capacity)
			ledger->slots[own].sent++;
		selector = block;
		syscall(SYS_getppid);
		refusals += selector == allow;
		selector = allow;
	}
	one_thread(own);
	must(!prctl(set_dispatch, off, 0L, 0L, 0L), "PR_SET_SYSCALL_USER_DISPATCH");
	printf("thread: %ld, refusals: %ld\n", syscall(SYS_gettid), refusals);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	struct sigaction action = {.sa_handler = refused};
	must(!sigaction(SIGSYS, &action, NULL), "sigaction");
	for (long n = param("n", "3"), i = 0; i < n; i++) {
		if (i == n / 2)
			checkpoint(1);
		must(!pthread_join(start_thread(thread, 0), NULL), "pthread_join");
	}
	return 0;
}
