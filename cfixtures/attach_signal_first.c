/*
 * A thread that waits in D for its vfork child gets SIGUSR1 when somebody has attached to it, before it can stop.
 *
 * The child looks whether the thread is traced, sends the signal, and ends. So the SIGSTOP of PTRACE_ATTACH is on its way
 * when the thread goes on, and so is the signal, which comes first: the attach is not over with the first stop, and what
 * that was for is the program's. Without a debugger the signal is sent when main has passed its gate. Between that and
 * checkpoint 1 main makes a thread, which ends.
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

/* The child shares our memory, and not our thread's id. */
static void child(pid_t pid, pid_t tid, uint32_t own)
{
	announce(own);
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* should we be killed, nobody tells it */
	advance(&there);
	while (!told && !is_traced(pid, tid))
		poll(NULL, 0, 1); /* sleep: nobody tells that somebody attaches */
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
