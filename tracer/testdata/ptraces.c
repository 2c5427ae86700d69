/*
 * Ptraces its own family. It asks to be traced, which the kernel refuses to a traced process. Then
 * "traced" tries to seize its child, which has a tracer already; "free" seizes a child that was
 * made with CLONE_UNTRACED, and follows it to its end. Ends with 23.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		_exit(99);
	}
}

static void await_end(int gate)
{
	char byte;

	_exit(read(gate, &byte, 1) == 0 ? 5 : 1);
}

int main(int argc, char **argv)
{
	int gate[2], status, is_free = argc == 2 && strcmp(argv[1], "free") == 0;
	pid_t child;

	must(argc == 2 && pipe(gate) == 0, "pipe");
	must(ptrace(PTRACE_TRACEME, 0, 0, 0) < 0 && errno == EPERM, "PTRACE_TRACEME is not refused");
	child = syscall(SYS_clone, SIGCHLD | (is_free ? CLONE_UNTRACED : 0), 0, 0, 0, 0);
	must(child >= 0, "clone");
	if (child == 0) {
		close(gate[1]);
		await_end(gate[0]);
	}
	if (is_free) {
		must(ptrace(PTRACE_SEIZE, child, 0, PTRACE_O_TRACEEXIT) == 0, "PTRACE_SEIZE");
		close(gate[1]);
		must(waitpid(child, &status, 0) == child &&
		     status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8), "wait for its last stop");
		must(ptrace(PTRACE_CONT, child, 0, 0) == 0, "PTRACE_CONT");
	} else {
		must(ptrace(PTRACE_SEIZE, child, 0, 0) < 0 && errno == EPERM,
		     "PTRACE_SEIZE is not refused");
		must(ptrace(PTRACE_ATTACH, child, 0, 0) < 0 && errno == EPERM,
		     "PTRACE_ATTACH is not refused");
		close(gate[1]);
	}
	must(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 5,
	     "wait for its end");
	return 23;
}
