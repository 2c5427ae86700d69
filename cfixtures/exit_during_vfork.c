/*
 * A process ends by exit_group while one of its threads waits for its vfork's child, which lives on
 * without a parent; n times.
 *
 * The vfork is never reported as done (PTRACE_EVENT_VFORK_DONE). Its child keeps the memory of the
 * dead process, makes a thread there, and ends when its pipe says that no task of that process has
 * the other end any more. Main is its parent then (PR_SET_CHILD_SUBREAPER) and waits for it.
 *
 * param: n=3
 * want: main: fork main/1..n, exit 0
 * want: main/1..n: clone ./1, exit 6
 * want: main/1..n/1: vfork ./1, exit 6
 * want: main/1..n/1/1: clone ./1, exit 3
 * want: main/1..n/1/1/1: exit 0
 */
#include "clone.h"
#include "process.h"

static int ends[2];
static _Atomic uint32_t there;

static void *vforker(void *arg)
{
	uint32_t slot = (uintptr_t)arg, own = claim(slot), last = claim(own);
	char byte;
	announce(slot);
	if (vfork() == 0) {
		announce(own);
		close(ends[1]);
		advance(&there);
		must(read(ends[0], &byte, 1) == 0, "read");
		must(clone_task(raw_thread, end_at_once, NULL, last) > 0, "clone");
		await_end(last);
		_exit(3);
	}
	must(0, "the vfork came to its end");
	return NULL;
}

static void process(uint32_t slot)
{
	must(!pipe(ends), "pipe");
	start_thread(vforker, slot);
	await(&there, 1);
	_exit(6);
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	must(!prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "PR_SET_CHILD_SUBREAPER");
	for (long n = param("n", "3"); n > 0; n--) {
		uint32_t slot = claim(0);
		pid_t pid = fork_announced(slot);
		if (pid == 0)
			process(slot);
		int code = reap(pid), orphan;
		must(wait(&orphan) > 0 && WIFEXITED(orphan), "wait");
		printf("process: %d ended with %d, and its orphan with %d\n", pid, code,
		       WEXITSTATUS(orphan));
	}
	return 0;
}
