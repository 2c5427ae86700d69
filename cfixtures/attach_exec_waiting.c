/*
 * Main is in the middle of an exec, which waits for a dead thread that a child process traces, when
 * a debugger attaches.
 *
 * The thread has ended, and the kernel waits until its tracer has waited for it (de_thread in
 * fs/exec.c). Meanwhile the exec holds the process's cred_guard_mutex, which PTRACE_ATTACH and
 * PTRACE_SEIZE take: they wait too. The child process waits for the thread 300 ms after it has come
 * to the gate. Then the attach goes on, in the new program, and what was listed before is gone. The
 * new program makes a thread before checkpoint 1 and one after.
 *
 * want: main: clone main/1, fork main/2, exec, clone main/3..4, exit 3
 * want: main/1: exit 0
 * want: main/2: exit 0
 * want: main/3..4: exit 0
 * modes: attach_before detach_during
 */
#include "process.h"
#include "stop.h"
#include <poll.h>
#include <sys/ptrace.h>

enum { tid, may_trace, traced, words };
static _Atomic uint32_t *shared;

static void *thread(void *arg)
{
	announce((uintptr_t)arg);
	shared[tid] = syscall(SYS_gettid);
	wake(&shared[tid]);
	await(&shared[traced], 1);
	syscall(SYS_exit, 0);
	return NULL;
}

/* The child process. Main sleeps in D when its exec waits; it may do so for a moment before too. */
static void hold(pid_t pid)
{
	must(!prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
	await(&shared[may_trace], 1);
	must(!ptrace(PTRACE_SEIZE, shared[tid], 0, 0), "PTRACE_SEIZE");
	advance(&shared[traced]);
	for (int asleep = 0; asleep < 20; asleep = task_state(pid, pid) == 'D' ? asleep + 1 : 0)
		poll(NULL, 0, 1); // sleep: nothing tells when an exec waits
	reach(0);
	poll(NULL, 0, 300); // sleep: nor when an attach does
	must(waitpid(shared[tid], NULL, __WALL) == (pid_t)shared[tid], "waitpid");
	await(&ledger->open, 1);
	_exit(0);
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_open(argv);
	if (execs) {
		await(&ledger->open, 1);
		one_thread(main_slot);
		checkpoint(1);
		one_thread(main_slot);
		must(wait(NULL) > 0, "wait");
		return 3;
	}
	shared = shared_words(words);
	start_thread(thread, 0);
	await(&shared[tid], 1);
	pid_t self = getpid(), child = fork_announced(claim(0));
	if (child == 0)
		hold(self);
	prctl(PR_SET_PTRACER, child, 0, 0, 0); /* EINVAL where there is no Yama to forbid it */
	advance(&shared[may_trace]);
	await(&shared[traced], 1);
	exec_again(0);
}
