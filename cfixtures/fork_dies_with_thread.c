/*
 * Each of n threads makes a process that has a thread too, and ends: the kernel kills the process,
 * and main lives on.
 *
 * The process asked for SIGKILL at its parent's death (PR_SET_PDEATHSIG), and to the kernel the
 * parent is the thread that forked, not the thread group (prctl(2)). Checkpoint 1 is half way.
 *
 * param: n=3
 * want: main: clone main/1..n, exit 0
 * want: main/1..n: fork ./1, exit 0
 * want: main/1..n/1: clone ./1, killed SIGKILL
 * want: main/1..n/1/1: killed SIGKILL
 * modes: launch attach_before attach_during detach_during stops
 */
#include "process.h"

static _Atomic uint32_t *complete;
static pid_t child;

static void *parent(void *arg)
{
	uint32_t slot = (uintptr_t)arg, own = claim(slot);
	announce(slot);
	child = fork_announced(own);
	if (child == 0) {
		must(!prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
		make_thread(parked_thread, own);
		advance(complete);
		park();
	}
	await(complete, 1);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	for (long n = param("n", "3"), i = 0; i < n; i++) {
		if (i == n / 2)
			checkpoint(1);
		complete = shared_words(1);
		must(!pthread_join(start_thread(parent, 0), NULL), "pthread_join");
		int status;
		must(waitpid(child, &status, 0) == child && WIFSIGNALED(status), "waitpid");
		printf("process: %d was killed by %d\n", child, WTERMSIG(status));
	}
	return 0;
}
