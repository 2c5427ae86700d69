/*
 * A thread stands at its end, where it can be attached to and stops no more, and goes once somebody has attached to it.
 *
 * It closes the last end of a pipe whose lock a child process holds, which waits in write(2) for a page that it keeps
 * from itself by userfaultfd(2). The kernel closes files late in do_exit: PTRACE_ATTACH and PTRACE_SEIZE are
 * granted, and what comes then is the end. Without a debugger it goes when main has passed its gate, after which main makes a
 * thread, as it does after checkpoint 1.
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

enum { opened, locked, standing, over, words };

static _Atomic uint32_t *shared, *dying;
static int ends[2];
static char *page;
static long page_size;

/* Whoever writes holds the pipe's lock until the page is there. */
static void *writer(void *slot)
{
	announce((uintptr_t)slot);
	must(write(ends[1], page, 1) == 1, "write");
	return NULL;
}

/* Whether somebody traces a task of a process, or it is gone. */
static int is_traced(pid_t pid, pid_t tid)
{
	char name[64], line[128];
	int tracer = 1;
	snprintf(name, sizeof name, "/proc/%d/task/%d/status", pid, tid);
	FILE *status = fopen(name, "re");
	while (status && fgets(line, sizeof line, status) && sscanf(line, "TracerPid: %d", &tracer) != 1)
		;
	return !status || (fclose(status), tracer != 0);
}

/* In the child process. */
static int hold_the_lock(uint32_t self, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* should main be killed, nobody tells us to go on */
	await(&shared[opened], 1);
	int faults = syscall(SYS_userfaultfd, O_CLOEXEC);
	must(faults >= 0, "userfaultfd");
	page_size = sysconf(_SC_PAGESIZE);
	page = mmap(NULL, page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(page != MAP_FAILED, "mmap");
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_range range = {(uintptr_t)page, page_size};
	struct uffdio_register missing = {.range = range, .mode = UFFDIO_REGISTER_MODE_MISSING};
	must(!ioctl(faults, UFFDIO_API, &api) && !ioctl(faults, UFFDIO_REGISTER, &missing), "userfaultfd's ioctl");
	pthread_t id = start_thread(writer, self);
	struct uffd_msg fault;
	must(read(faults, &fault, sizeof fault) == sizeof fault, "read");
	advance(&shared[locked]);
	await(&shared[standing], 1);
	while (!shared[over] && !is_traced(parent, *dying))
		poll(NULL, 0, 1); /* sleep: nobody tells that somebody attaches */
	struct uffdio_zeropage here = {.range = range};
	must(!ioctl(faults, UFFDIO_ZEROPAGE, &here) && !pthread_join(id, NULL), "UFFDIO_ZEROPAGE");
	return 0;
}

/* It alone has a table of its files, and opens the pipe's end once more: that one is closed at its own end. */
static void *thread(void *arg)
{
	uint32_t slot = (uintptr_t)arg;
	char end[32];
	clear_at_end(slot);
	announce(slot);
	must(!syscall(SYS_unshare, CLONE_FILES), "unshare");
	snprintf(end, sizeof end, "/proc/self/fd/%d", ends[0]);
	must(open(end, O_RDONLY | O_CLOEXEC) >= 0, end);
	advance(&shared[opened]);
	await(&shared[locked], 1);
	syscall(SYS_exit, 0);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_open(argv);
	pid_t self = getpid();
	int allowed = syscall(SYS_userfaultfd, O_CLOEXEC); /* the child must not fail: main waits for it */
	must(allowed >= 0 && !close(allowed), "userfaultfd");
	must(!syscall(SYS_pipe2, ends, O_CLOEXEC), "pipe2");
	shared = shared_words(words + 1);
	dying = &shared[words];
	uint32_t slot = claim(0);
	pid_t child = fork_announced(slot);
	if (child == 0)
		_exit(hold_the_lock(slot, self));
	slot = claim(0);
	start_in(slot, thread);
	await(&shared[locked], 1);
	await_end(slot); /* that is said before its files are closed */
	*dying = slot_at(slot)->tid;
	while (task_state(self, *dying) != 'D') /* the kernel wakes nobody for it */
		sched_yield();
	advance(&shared[standing]);
	checkpoint(0);
	advance(&shared[over]);
	must(reap(child) == 0, "the child process");
	one_thread(0);
	checkpoint(1);
	one_thread(0);
	return 0;
}
