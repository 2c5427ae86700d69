/*
 * A thread stands at its end, where it can be attached to and stops no more, and goes once somebody has attached to it.
 *
 * At its end it closes what it alone has open of a pipe, for which it needs the pipe's lock. A writer in a child process
 * holds that: its write(2) waits for a page that userfaultfd(2) withholds. The kernel closes files late in do_exit:
 * PTRACE_ATTACH and PTRACE_SEIZE are granted, and what comes then is the end. Without a debugger it goes when main has
 * passed its gate, after which main makes a thread, as it does after checkpoint 1. Nobody can stop the writer
 * meanwhile, so there is no stop of all.
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

enum { dying, locked, standing, over, words }; /* dying is the thread's tid */

static _Atomic uint32_t *shared;
static int ends[2];
static char *page;

/* Whoever writes holds the pipe's lock until the page is there. */
static void *writer(void *slot)
{
	announce((uintptr_t)slot);
	must(write(ends[1], page, 1) == 1, "write");
	return NULL;
}

/* In the child process. */
static int hold_the_lock(uint32_t self, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* should main be killed, nobody tells us to go on */
	must(getppid() == parent, "main is gone");
	int faults = syscall(SYS_userfaultfd, O_CLOEXEC);
	must(faults >= 0, "userfaultfd");
	long size = sysconf(_SC_PAGESIZE);
	page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(page != MAP_FAILED, "mmap");
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_range range = {(uintptr_t)page, size};
	struct uffdio_register missing = {.range = range, .mode = UFFDIO_REGISTER_MODE_MISSING};
	must(!ioctl(faults, UFFDIO_API, &api) && !ioctl(faults, UFFDIO_REGISTER, &missing), "userfaultfd's ioctl");
	await(&shared[dying], 1); /* to open a pipe takes its lock too */
	pthread_t id = start_thread(writer, self);
	struct uffd_msg fault;
	must(read(faults, &fault, sizeof fault) == sizeof fault, "read");
	advance(&shared[locked]);
	pid_t tid = shared[dying];
	while (task_state(parent, tid) != 'D')
		poll(NULL, 0, 1); /* sleep: the kernel wakes nobody for it */
	advance(&shared[standing]);
	while (!shared[over] && !is_traced(parent, tid))
		poll(NULL, 0, 1); /* sleep: nobody tells that somebody attaches */
	struct uffdio_zeropage here = {.range = range};
	must(!ioctl(faults, UFFDIO_ZEROPAGE, &here) && !pthread_join(id, NULL), "UFFDIO_ZEROPAGE");
	return 0;
}

/* It has a file table of its own, and opens the pipe's end once more: that it closes at its own end. */
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
	int allowed = syscall(SYS_userfaultfd, O_CLOEXEC); /* that the child fails main would not see */
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
	await_end(slot); /* that is said before its files are closed */
	await(&shared[standing], 1);
	checkpoint(0);
	advance(&shared[over]);
	must(reap(child) == 0, "the child process");
	one_thread(0);
	checkpoint(1);
	one_thread(0);
	return 0;
}
