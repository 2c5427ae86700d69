/*
 * A thread that waits in D for its vfork child gets SIGUSR1 when a debugger has attached to it,
 * before it can stop.
 *
 * The child looks whether the thread is traced, sends the signal, and ends. So both the SIGSTOP of
 * PTRACE_ATTACH and the signal are pending when the thread goes on, and the signal comes first. The
 * first stop does not complete the attach, and its signal belongs to the program. Without a
 * debugger the signal is sent when main has passed its gate. Between the gate and checkpoint 1 main
 * makes a thread, which ends.
 *
 * want: main: clone main/1..2, exit 0
 * want: main/1: vfork ./1, exit 0
 * want: main/1/1: exit 3
 * want: main/2: exit 0
 * modes: launch attach_before detach_during orphaned
 */
#include "process.h"
#include "stop.h"
#include <poll.h>

static _Atomic uint32_t there, told;
static uint32_t slot;

static void count(int signal)
{
	(void)signal;
	advance(&ledger->slots[slot].handled);
}

/* The vfork's child: shares its creator's memory, but is a process of its own. */
static void child(pid_t pid, pid_t tid, uint32_t own)
{
	announce(own);
	/* If its creator is killed, told stays 0. */
	must(!prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
	advance(&there);
	while (!told && !is_traced(pid, tid))
		poll(NULL, 0, 1); // sleep: nothing tells when a debugger attaches
	ledger->slots[slot].sent++;
	must(!syscall(SYS_tgkill, pid, tid, SIGUSR1), "tgkill");
	_exit(3);
}

static void *thread(void *arg)
{
	slot = (uintptr_t)arg;
	announce(slot);
	pid_t pid = getpid(), tid = syscall(SYS_gettid);
	uint32_t own = claim(slot);
	pid_t made = vfork();
	if (made == 0)
		child(pid, tid, own);
	must(made > 0 && reap(made) == 3, "vfork");
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_open(argv);
	struct sigaction action = {.sa_handler = count, .sa_flags = SA_RESTART};
	must(!sigaction(SIGUSR1, &action, NULL), "sigaction");
	pthread_t id = start_thread(thread, 0);
	await(&there, 1);
	checkpoint(0);
	advance(&told);
	one_thread(0);
	checkpoint(1);
	must(!pthread_join(id, NULL), "pthread_join");
	return 0;
}
