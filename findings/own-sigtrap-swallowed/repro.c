/*
 * A program sends itself SIGTRAP, for which it has a handler.
 *
 * 1. A thread sends itself SIGTRAP by tgkill. Its tracer is told: a signal-delivery stop of
 *    SIGTRAP, as for a breakpoint.
 * 2. What tells them apart is si_code (PTRACE_GETSIGINFO): SI_TKILL for this one, SI_KERNEL or
 *    TRAP_BRKPT for a breakpoint instruction, TRAP_TRACE for a single step.
 * 3. A debugger that takes every SIGTRAP for its own goes on from there without the signal, and the
 *    program's handler does not run.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static volatile sig_atomic_t handled;

static void count(int signal)
{
	handled += signal == SIGTRAP;
}

int main(void)
{
	setlinebuf(stdout);
	if (signal(SIGTRAP, count) == SIG_ERR || raise(SIGTRAP))
		exit(2);
	puts(handled ? "good: SIGTRAP was handled" : "BAD: SIGTRAP was sent, and was not delivered");
	return 0;
}
