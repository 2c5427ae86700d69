/*
 * Executes itself again and again, each time with a thread beside main, until its child process has
 * passed checkpoint 1.
 *
 * A debugger that attaches or detaches there meets execs: threads that it has just listed are gone,
 * a task that is to stop for the attach or the detach executes, and without PTRACE_O_TRACEEXEC a
 * traced task gets a SIGTRAP for its exec, which ends it once it is let go. The first program makes
 * the child process, which comes to the checkpoint once there was an exec. There are from least to
 * most execs. The last program finds that the child process has ended. It makes a thread that ends,
 * so that there is a birth after every attach.
 *
 * param: least=20 most=5000
 * want: main: fork main/1, at least least exec, at most most exec, exit 0
 * want: main/1: exit 0
 * want: *: at least least exit 0
 * modes: launch attach_before attach_during detach_during
 */
#include "process.h"
#include <fcntl.h>

/* Tells whether the child process lives. The program that finds it ended is the last. */
static int child_lives(void)
{
	int status;
	pid_t pid = waitpid(-1, &status, WNOHANG);
	must(pid >= 0, "waitpid");
	return pid == 0;
}

/* The child process. Main's end of the pipe closes at its first exec. */
static void child(const int *executed)
{
	char c;
	must(!prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
	close(executed[1]);
	must(read(executed[0], &c, 1) == 0, "read");
	checkpoint(1);
	_exit(0);
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	uint32_t least = param("least", "20"), most = param("most", "5000");
	int executed[2];
	must(execs || !syscall(SYS_pipe2, executed, O_CLOEXEC), "pipe2");
	if (!execs && fork_announced(claim(0)) == 0)
		child(executed);
	if (execs < least || (execs < most && child_lives())) {
		make_thread(parked_thread, main_slot);
		exec_again(main_slot);
	}
	while (wait(NULL) > 0)
		;
	one_thread(main_slot);
	printf("process: %d has ended its execs\n", getpid());
	return 0;
}
