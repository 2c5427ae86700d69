/*
 * Two threads are in the middle of a clone when a debugger attaches, and finish it after the
 * debugger has looked for threads.
 *
 * The kernel is to write to a page that userfaultfd(2) withholds. For main/2 that is the new
 * thread's pidfd, which is written before /proc shows that thread (threads can have a pidfd from
 * Linux 6.9 on). For main/3 it is the new thread's tid, which is written when /proc shows that
 * thread and before it may run. Before either, the kernel has settled that the new thread is not
 * traced from its birth, and that its birth is not announced (kernel_clone in kernel/fork.c). So a
 * debugger that attaches to the creators now finds main/2/1 only by one more look, when they have
 * stopped, which they do at the end of their clones.
 *
 * A child process gives a creator its page when the creator's tracer waits for that stop, or,
 * without a debugger, when main has passed its gate. A debugger that stops the child process too
 * waits for ever. The new threads live until main has passed its gate; then main makes a thread,
 * and one more after checkpoint 1.
 *
 * want: main: fork main/1, clone main/2..5, exit 0
 * want: main/1: exit 0
 * want: main/2..3: clone ./1, exit 0
 * want: main/2/1: exit 0
 * want: main/3/1: exit 0
 * want: main/4..5: exit 0
 * needs: linux>=6.9 userfaultfd
 * modes: attach_before detach_during
 */
#include "clone.h"
#include "process.h"
#include "stop.h"
#include "withheld.h"
#include <poll.h>

enum { hidden, shown, creators }; /* main/2 and main/3 */
enum { waiting = creators, over, words }; /* the words before them are the creators' tids */

static _Atomic uint32_t *shared;
static long size;
static char *pages; /* one for each creator */

/*
 * The child process: gives the pages. A tracer that waits for a creator to stop is asleep, so the
 * page comes after fifty looks in a row that find it asleep, or after a thousand looks at a tracer
 * that never sleeps. The child ends only after the gate, so that its end disturbs no attach.
 */
static int give_late(int faults, pid_t parent)
{
	/* If main is killed, the words below are not advanced. */
	must(!prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
	must(getppid() == parent, "main is gone");
	for (int i = 0; i < creators; i++) {
		while (await_fault(faults) < (uintptr_t)pages + i * size)
			; /* a creator that gets a signal faults once more */
		advance(&shared[waiting]);
	}
	int given[creators] = {0}, traced[creators] = {0}, asleep[creators] = {0};
	while (!given[hidden] || !given[shown]) {
		poll(NULL, 0, 1); // sleep: nothing tells when a debugger attaches, or sleeps
		for (int i = 0; i < creators; i++) {
			pid_t tracer = tracer_of(parent, shared[i]);
			traced[i] += tracer > 0;
			asleep[i] = tracer > 0 && task_state(tracer, tracer) == 'S' ? asleep[i] + 1 : 0;
			if (given[i] || !(shared[over] || asleep[i] >= 50 || traced[i] >= 1000))
				continue;
			give_page(faults, pages + i * size);
			given[i] = 1;
		}
	}
	await(&shared[over], 1);
	return 0;
}

/* The new threads. Their errno is their creator's. */
static int stay(void *slot)
{
	announce((uintptr_t)slot);
	await(&shared[over], 1);
	tidcheck_place();
	return 0;
}

static void give_birth(uint32_t self, int which, struct clone_args args)
{
	announce(self);
	shared[which] = syscall(SYS_gettid);
	uint32_t slot = claim(self);
	must(clone3_thread(stay, (void *)(uintptr_t)slot, slot, args) > 0, "clone3");
	await_end(slot);
}

static void *hide(void *self)
{
	struct clone_args args = {.flags = CLONE_PIDFD, .pidfd = (uintptr_t)pages};
	give_birth((uintptr_t)self, hidden, args);
	return NULL;
}

static void *show(void *self)
{
	struct clone_args args = {.parent_tid = (uintptr_t)pages + size};
	give_birth((uintptr_t)self, shown, args);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_open(argv);
	pid_t self = getpid();
	int faults;
	size = sysconf(_SC_PAGESIZE);
	pages = withhold(creators, &faults);
	shared = shared_words(words);
	uint32_t slot = claim(0);
	pid_t child = fork_announced(slot);
	if (child == 0)
		_exit(give_late(faults, self));
	must(!close(faults), "close");
	pthread_t ids[creators];
	ids[hidden] = start_thread(hide, 0);
	await(&shared[waiting], 1);
	ids[shown] = start_thread(show, 0);
	await(&shared[waiting], 2);
	checkpoint(0);
	advance(&shared[over]);
	for (int i = 0; i < creators; i++)
		must(!pthread_join(ids[i], NULL), "pthread_join");
	must(reap(child) == 0, "the child process");
	one_thread(0);
	checkpoint(1);
	one_thread(0);
	return 0;
}
