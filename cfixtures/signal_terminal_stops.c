/*
 * Stops a child process, which has n threads, by SIGTTIN, SIGTTOU and SIGTSTP, as a terminal does,
 * and continues it each time.
 *
 * These stop as SIGSTOP does, but only if a signal is neither handled nor ignored, and the process
 * group is not orphaned (signal(7)): the child has a group of its own, whose parent is in another
 * group of the session. Main is told of each stop and its end by wait(2). The child makes a thread
 * after each stop. Checkpoint 1 is before the second stop; at the end main makes a thread.
 *
 * param: n=2
 * want: main: fork main/1, clone main/2, exit 0
 * want: main/1: clone ./1..n+3, exit 0
 * want: main/1/1..n+3: exit 0
 * want: main/2: exit 0
 * modes: launch attach_before attach_during detach_during stops
 */
#include "process.h"

enum { stops = 3 };
enum { ready, goes_on, words };
static _Atomic uint32_t *shared;

static void child(uint32_t slot, long n)
{
	must(!prctl(PR_SET_PDEATHSIG, SIGKILL) && !setpgid(0, 0), "setpgid");
	for (; n > 0; n--)
		make_thread(parked_thread, slot);
	advance(&shared[ready]);
	for (uint32_t i = 1; i <= stops; i++) {
		await(&shared[goes_on], i);
		one_thread(slot);
		advance(&shared[ready]);
	}
	await(&shared[goes_on], stops + 1);
	_exit(0);
}

static int await_status(pid_t pid, int flags)
{
	int status;
	while (waitpid(pid, &status, flags) < 0)
		must(errno == EINTR, "waitpid");
	return status;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	static const int by[stops] = {SIGTTIN, SIGTTOU, SIGTSTP};
	shared = shared_words(words);
	uint32_t slot = claim(0);
	long n = param("n", "2");
	pid_t pid = fork_announced(slot);
	if (pid == 0)
		child(slot, n);
	for (uint32_t i = 0; i < stops; i++) {
		await(&shared[ready], i + 1);
		if (i == 1)
			checkpoint(1);
		must(!kill(pid, by[i]), "kill");
		int status = await_status(pid, WUNTRACED);
		must(WIFSTOPPED(status), "the end of a process that was to stop");
		printf("process: %d was stopped by %d\n", pid, WSTOPSIG(status));
		must(!kill(pid, SIGCONT) && WIFCONTINUED(await_status(pid, WCONTINUED)), "SIGCONT");
		advance(&shared[goes_on]);
	}
	await(&shared[ready], stops + 1);
	one_thread(0);
	advance(&shared[goes_on]);
	return reap(pid);
}
