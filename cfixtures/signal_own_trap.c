/*
 * Each of n threads sends itself two SIGTRAPs, by tgkill and by a breakpoint instruction; its
 * handler counts them.
 *
 * Both look much like a tracer's own event stops, and belong to the program.
 *
 * param: n=3
 * want: main: clone main/1..n, exit 0
 * want: main/1..n: signal SIGTRAP, signal SIGTRAP, exit 0
 * modes: launch attach_before attach_during detach_during stops
 */
#define _GNU_SOURCE
#include "fixture.h"
#include <signal.h>
#include <ucontext.h>

static __thread uint32_t self;

static void count(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	ledger->slots[self].handled++;
#ifdef __aarch64__ /* the pc is at the breakpoint instruction; on amd64 it is behind it */
	if (info->si_code > 0)
		((ucontext_t *)context)->uc_mcontext.pc += 4;
#endif
	(void)info;
	(void)context;
}

/* Executes a breakpoint instruction. */
static void trap(void)
{
	ledger->slots[self].sent++;
#if defined __x86_64__ || defined __i386__
	__asm__ volatile("int3");
#elif defined __aarch64__
	__asm__ volatile("brk #0");
#else
	must(!syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGTRAP), "tgkill");
#endif
}

static void *thread(void *arg)
{
	self = (uintptr_t)arg;
	announce(self);
	send_signal(self, syscall(SYS_gettid), SIGTRAP);
	trap();
	printf("thread: %ld, SIGTRAP: %u\n", syscall(SYS_gettid), ledger->slots[self].handled);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	struct sigaction action = {.sa_sigaction = count, .sa_flags = SA_SIGINFO};
	must(!sigaction(SIGTRAP, &action, NULL), "sigaction");
	long n = param("n", "3");
	for (long i = 0; i < n; i++) {
		if (i == n / 2)
			checkpoint(1);
		must(!pthread_join(start_thread(thread, 0), NULL), "pthread_join");
	}
	return 0;
}
