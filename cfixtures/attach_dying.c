/*
 * A thread is at its end, where it can be attached to but stops no more, until a debugger has
 * attached to it.
 *
 * At its end it closes a file of a pipe that no other task has open, for which it needs the pipe's
 * lock. A writer in a child process holds that lock: its write(2) waits for a page that
 * userfaultfd(2) withholds. The kernel closes files late in do_exit: PTRACE_ATTACH and PTRACE_SEIZE
 * are granted, and what the tracer sees next is the end. Without a debugger the thread goes on when
 * main has passed its gate.
 *
 * Main makes a thread after its gate, and one after checkpoint 1. The writer cannot be stopped
 * meanwhile, so no mode stops everything.
 *
 * want: main: fork main/1, clone main/2..4, exit 0
 * want: main/1: clone main/1/1, exit 0
 * want: main/1/1: exit 0
 * want: main/2..4: exit 0
 * needs: userfaultfd
 * modes: launch attach_before detach_during
 */
#include "process.h"
#include "stop.h"
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>

enum { dying, locked, waiting, over, words }; /* dying is the thread's tid */

static _Atomic uint32_t *shared;
static int ends[2];
static char *page;

/* Holds the pipe's lock, by a write(2) that lasts until the page is there. */
static void *writer(void *slot)
{
	announce((uintptr_t)slot);
	must(write(ends[1], page, 1) == 1, "write");
	return NULL;
}

/* The child process: has its thread write, and gives the page once the dying thread is traced. */
static int hold_the_lock(uint32_t self, pid_t parent)
{
	/* If main is killed, the words below are not advanced. */
	must(!prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
	must(getppid() == parent, "main is gone");
	int faults = syscall(SYS_userfaultfd, O_CLOEXEC);
	must(faults >= 0, "userfaultfd");
	long size = sysconf(_SC_PAGESIZE);
	page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(page != MAP_FAILED, "mmap");
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_range range = {(uintptr_t)page, size};
	struct uffdio_register missing = {.range = range, .mode = UFFDIO_REGISTER_MODE_MISSING};
	must(!ioctl(faults, UFFDIO_API, &api), "UFFDIO_API");
	must(!ioctl(faults, UFFDIO_REGISTER, &missing), "UFFDIO_REGISTER");
	await(&shared[dying], 1); /* the thread has opened the pipe, which takes the lock too */
	pthread_t id = start_thread(writer, self);
	struct uffd_msg fault;
	must(read(faults, &fault, sizeof fault) == sizeof fault, "read");
	advance(&shared[locked]);
	pid_t tid = shared[dying];
	while (task_state(parent, tid) != 'D')
		poll(NULL, 0, 1); // sleep: the kernel tells no task of it
	advance(&shared[waiting]);
	while (!shared[over] && !is_traced(parent, tid))
		poll(NULL, 0, 1); // sleep: nothing tells when a debugger attaches
	struct uffdio_zeropage here = {.range = range};
	must(!ioctl(faults, UFFDIO_ZEROPAGE, &here), "UFFDIO_ZEROPAGE");
	must(!pthread_join(id, NULL), "pthread_join");
	return 0;
}

/* Makes a file table of its own and opens the pipe's read end once more; its end closes that. */
static void *thread(void *arg)
{
	uint32_t slot = (uintptr_t)arg;
	char end[32];
	clear_at_end(slot);
	announce(slot);
	must(!syscall(SYS_unshare, CLONE_FILES), "unshare");
	snprintf(end, sizeof end, "/proc/self/fd/%d", ends[0]);
	must(open(end, O_RDONLY | O_CLOEXEC) >= 0, end);
	shared[dying] = syscall(SYS_gettid);
	wake(&shared[dying]);
	await(&shared[locked], 1);
	syscall(SYS_exit, 0);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_open(argv);
	pid_t self = getpid();
	int allowed = syscall(SYS_userfaultfd, O_CLOEXEC); /* main would not see the child fail */
	must(allowed >= 0 && !close(allowed), "userfaultfd");
	must(!syscall(SYS_pipe2, ends, O_CLOEXEC), "pipe2");
	shared = shared_words(words);
	uint32_t slot = claim(0);
	pid_t child = fork_announced(slot);
	if (child == 0)
		_exit(hold_the_lock(slot, self));
	slot = claim(0);
	start_in(slot, thread);
	await(&shared[locked], 1);
	await_end(slot); /* the kernel clears that word before it closes the thread's files */
	await(&shared[waiting], 1);
	checkpoint(0);
	advance(&shared[over]);
	must(reap(child) == 0, "the child process");
	one_thread(0);
	checkpoint(1);
	one_thread(0);
	return 0;
}
