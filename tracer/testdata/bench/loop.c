/*
 * "loop [msg] [exit] PROGRAM [ARG...]": the smallest loop that follows a program's tasks with
 * ptrace(2), for comparison: it waits for any task and lets it go on. With "exit" tasks stop at
 * their ends too, and with "msg" each event's message is asked for: the child's tid, the exit
 * status. It prints what it counted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static int options = PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
		     PTRACE_O_TRACEVFORKDONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD |
		     PTRACE_O_EXITKILL;
static int with_message;
static long counts[PTRACE_EVENT_STOP + 1];

static void must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(99);
	}
}

/* The child waits on a pipe, so that it is seized before its exec: PTRACE_TRACEME has no LISTEN. */
static void launch(char **argv)
{
	int gate[2];
	char byte;

	must(pipe(gate) == 0, "pipe");
	pid_t pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0) {
		must(close(gate[1]) == 0 && read(gate[0], &byte, 1) == 0, "gate");
		close(gate[0]);
		execvp(argv[0], argv);
		must(0, argv[0]);
	}
	must(ptrace(PTRACE_SEIZE, pid, NULL, options) == 0, "PTRACE_SEIZE");
	must(close(gate[0]) == 0 && close(gate[1]) == 0, "gate");
}

static void go_on(pid_t tid, int status)
{
	unsigned long message;
	int event = status >> 16;

	counts[event]++;
	if (with_message && event != 0 && event != PTRACE_EVENT_STOP)
		must(ptrace(PTRACE_GETEVENTMSG, tid, NULL, &message) == 0, "PTRACE_GETEVENTMSG");
	must(ptrace(PTRACE_CONT, tid, NULL, event == 0 ? WSTOPSIG(status) : 0) == 0, "PTRACE_CONT");
}

int main(int argc, char **argv)
{
	int status;
	long ended = 0;
	pid_t tid;

	for (argv++; --argc > 0; argv++) {
		if (strcmp(argv[0], "msg") == 0)
			with_message = 1;
		else if (strcmp(argv[0], "exit") == 0)
			options |= PTRACE_O_TRACEEXIT;
		else
			break;
	}
	if (argc == 0)
		return 99;
	launch(argv);
	while ((tid = waitpid(-1, &status, __WALL)) > 0) {
		if (WIFSTOPPED(status))
			go_on(tid, status);
		else
			ended++;
	}
	printf("%ld threads, %ld at their ends, %ld ended\n", counts[PTRACE_EVENT_CLONE],
	       counts[PTRACE_EVENT_EXIT], ended);
	return 0;
}
