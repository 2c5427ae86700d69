/*
 * A process is killed in the middle of its fork, when the new process exists and the fork cannot be
 * told any more; n times.
 *
 * The kernel is to write the new process's id to a page that userfaultfd(2) withholds. A thread
 * that is told so kills its process. The new process is traced from its birth, and stands in its
 * first stop; its creator ends without the stop that names it (a task that is killed makes no
 * ptrace stop). The new process makes a thread and ends with 3. Main is its parent then
 * (PR_SET_CHILD_SUBREAPER) and waits for it.
 *
 * param: n=3
 * want: main: fork main/1..n, exit 0
 * want: main/1..n: clone ./1, fork ./2, killed SIGKILL
 * want: main/1..n/1: killed SIGKILL
 * want: main/1..n/2: clone ./1, exit 3
 * want: main/1..n/2/1: exit 0
 * needs: userfaultfd
 */
#include "clone.h"
#include "process.h"
#include "withheld.h"

static int faults;
static _Atomic uint32_t waiting;

static void *kill_at_fault(void *slot)
{
	announce((uintptr_t)slot);
	advance(&waiting);
	await_fault(faults);
	must(!kill(getpid(), SIGKILL), "kill");
	park();
	return NULL;
}

/* Forks as libc does not: the kernel is to write the id of the new process. clone's arguments up to
 * this one come in the same order on all machines of ours. */
static void creator(uint32_t slot)
{
	char *page = withhold(1, &faults);
	start_thread(kill_at_fault, slot);
	await(&waiting, 1);
	uint32_t own = claim(slot);
	long pid = syscall(SYS_clone, CLONE_PARENT_SETTID | SIGCHLD, 0, page, 0, 0);
	if (pid == 0) {
		announce(own);
		uint32_t last = claim(own);
		must(clone_task(raw_thread, end_at_once, NULL, last) > 0, "clone");
		await_end(last);
		_exit(3);
	}
	must(0, "the fork came to its end");
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	must(!prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "PR_SET_CHILD_SUBREAPER");
	for (long n = param("n", "3"); n > 0; n--) {
		uint32_t slot = claim(0);
		int status, killed = 0, ended = 0;
		if (fork_announced(slot) == 0)
			creator(slot);
		while (wait(&status) > 0) {
			killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
			ended += WIFEXITED(status) && WEXITSTATUS(status) == 3;
		}
		printf("killed: %d, ended: %d\n", killed, ended);
	}
	return 0;
}
