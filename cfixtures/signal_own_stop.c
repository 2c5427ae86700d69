/*
 * Makes n threads, one after the other; each stops the process as its first act, and a child
 * process continues it.
 *
 * Under PTRACE_ATTACH and PTRACE_TRACEME a newborn also has a SIGSTOP that the kernel made, which
 * is not the program's. The child sees that all tasks are stopped, and prints it if the thread went
 * on without a stop. Checkpoint 1 is half way.
 *
 * param: n=4
 * want: main: fork main/1, clone main/2..n+1, exit 0
 * want: main/1: exit 0
 * want: main/2..n+1: signal SIGSTOP, exit 0
 * modes: launch attach_before attach_during detach_during stops
 */
#include "process.h"
#include "stop.h"

enum { stops, goes_on, seen, words };

static _Atomic uint32_t *shared;

/* The child process. It sends SIGCONT to its parent's first task, so that every run is the same. */
static void continue_parent(uint32_t times)
{
	pid_t parent = getppid();
	for (uint32_t i = 1; i <= times; i++) {
		int stood = 0;
		await(&shared[stops], i);
		for (; shared[goes_on] < i; stood = 1) {
			await_stop(parent, &shared[goes_on], i - 1);
			if (shared[goes_on] == i)
				break;
			must(!syscall(SYS_tgkill, parent, parent, SIGCONT), "tgkill");
		}
		printf("thread %u: it stood: %d\n", i, stood);
		advance(&shared[seen]);
	}
	_exit(0);
}

static void *thread(void *arg)
{
	announce((uintptr_t)arg);
	advance(&shared[stops]);
	must(!syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGSTOP), "tgkill");
	advance(&shared[goes_on]);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	long n = param("n", "4");
	shared = shared_words(words);
	sigset_t end; /* the child's SIGCHLD could go to any thread, even one on its way out */
	sigemptyset(&end);
	sigaddset(&end, SIGCHLD);
	must(!pthread_sigmask(SIG_BLOCK, &end, NULL), "pthread_sigmask");
	pid_t child = fork_announced(claim(0));
	if (child == 0)
		continue_parent(n);
	for (long i = 0; i < n; i++) {
		if (i == n / 2)
			checkpoint(1);
		must(!pthread_join(start_thread(thread, 0), NULL), "pthread_join");
		await(&shared[seen], i + 1); /* after this no SIGCONT is on its way */
	}
	return reap(child);
}
