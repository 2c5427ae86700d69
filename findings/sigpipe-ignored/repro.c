/*
 * A program looks whether it ignores SIGPIPE, as a debugger has started it.
 *
 * 1. A debugger ignores SIGPIPE for itself.
 * 2. It forks and executes the program. Signals that are ignored stay ignored across execve
 *    (signal(7)); handlers do not.
 * 3. So writes to a closed pipe are EPIPE in the program, and do not end it, as they do without the
 *    debugger.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	struct sigaction action;
	if (sigaction(SIGPIPE, NULL, &action))
		exit(2);
	puts(action.sa_handler == SIG_IGN ? "BAD: SIGPIPE is ignored" : "good: SIGPIPE is not ignored");
	return 0;
}
