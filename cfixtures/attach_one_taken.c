/*
 * Has n parked threads at its gate, the last of which is traced by a child process.
 *
 * A debugger that attaches then gets EPERM for that thread: a task has one tracer. A debugger that
 * launched the program traces the thread already; then the child process gets EPERM instead, and
 * lets it be.
 *
 * param: n=3
 * want: main: clone main/1..n, fork main/n+1, exit 0
 * want: main/1..n: exit 0
 * want: main/n+1: exit 0
 * modes: launch attach_before
 */
#include "process.h"
#include <sys/ptrace.h>

enum { may_trace, traces, may_end, words };

static _Atomic uint32_t *shared, parked, over;
static _Atomic pid_t last;

static void *thread(void *arg)
{
	announce((uintptr_t)arg);
	last = syscall(SYS_gettid);
	advance(&parked);
	await(&over, 1);
	return NULL;
}

/* The child process: traces a thread until main lets it end, which detaches from the thread. */
static void trace(pid_t tid)
{
	await(&shared[may_trace], 1);
	must(!ptrace(PTRACE_SEIZE, tid, 0, 0) || errno == EPERM, "ptrace");
	advance(&shared[traces]);
	await(&shared[may_end], 1);
	_exit(0);
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_open(argv);
	long n = param("n", "3");
	shared = shared_words(words);
	pthread_t *threads = calloc(n, sizeof *threads);
	must(threads != NULL, "calloc");
	for (long i = 0; i < n; i++) {
		threads[i] = start_thread(thread, 0);
		await(&parked, i + 1);
	}
	pid_t child = fork_announced(claim(0));
	if (child == 0)
		trace(last);
	prctl(PR_SET_PTRACER, child, 0, 0, 0); /* EINVAL where there is no Yama to forbid it */
	advance(&shared[may_trace]);
	await(&shared[traces], 1);
	checkpoint(0);
	advance(&shared[may_end]);
	must(reap(child) == 0, "the child process");
	advance(&over);
	for (long i = 0; i < n; i++)
		must(!pthread_join(threads[i], NULL), "pthread_join");
	free(threads);
	return 0;
}
