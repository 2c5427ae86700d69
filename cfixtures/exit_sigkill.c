/*
 * A child process with n threads is killed by SIGKILL from outside, and waited for.
 *
 * Checkpoint 1 is just before. One thread of main's comes and goes before the checkpoint, and one
 * after.
 *
 * param: n=4
 * want: main: fork main/1, clone main/2..3, exit 0
 * want: main/1: clone main/1/1..n, killed SIGKILL
 * want: main/1/1..n: killed SIGKILL
 * want: main/2..3: exit 0
 * modes: launch attach_before attach_during detach_during stops
 */
#include "fixture.h"
#include <signal.h>
#include <sys/wait.h>

static void child(uint32_t slot, int ready)
{
	announce(slot);
	for (long n = param("n", "4"); n > 0; n--)
		make_thread(parked_thread, slot);
	must(write(ready, "", 1) == 1, "write");
	park();
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	int ready[2], status;
	char byte;
	must(!pipe(ready), "pipe");
	uint32_t slot = claim(0);
	pid_t pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0)
		child(slot, ready[1]);
	must(read(ready[0], &byte, 1) == 1, "read");
	one_thread(0);
	checkpoint(1);
	one_thread(0);
	must(!kill(pid, SIGKILL), "kill");
	must(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status), "waitpid");
	printf("process: %d, its child was killed by signal %d\n", getpid(), WTERMSIG(status));
	return 0;
}
