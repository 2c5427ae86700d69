/*
 * A thread ends between PTRACE_ATTACH and the stop for which the debugger waits.
 *
 * 1. A thread has a file table of its own, with a pipe open in it. It ends.
 * 2. The kernel closes its files late in do_exit, and needs the pipe's lock for that. A writer
 *    elsewhere holds the lock: it writes from a page that userfaultfd(2) withholds.
 * 3. So the thread sleeps in D, can be attached to, and stops no more.
 * 4. A debugger attaches to it. The other process gives the page, and the thread ends: the wait
 *    for its stop gives an exit status. All other threads can be attached to.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHECK(done) ((done) ? (void)0 : (perror(#done), exit(2)))
#define UNTIL(done) while (!(done)) usleep(10000) // sleep: /proc tells of no change
#define NEW_PAGE(flag) mmap(NULL, 4096, PROT_READ | PROT_WRITE, flag | MAP_ANONYMOUS, -1, 0)

static int ends[2];
static volatile pid_t *waits; /* the thread that is about to end */

static int has(pid_t pid, pid_t tid, const char *line)
{
	char command[99];
	snprintf(command, sizeof command, "grep -qs '%s' /proc/%d/task/%d/status", line, pid, tid);
	return system(command) == 0;
}

static void *writer(void *page)
{
	return (void *)write(ends[1], page, 1); /* holds the pipe's lock until the page is there */
}

/* The other process. */
static void judge(pid_t pid, pid_t dying)
{
	int faults = syscall(SYS_userfaultfd, O_CLOEXEC);
	void *page = NEW_PAGE(MAP_PRIVATE);
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register missing = {{(unsigned long)page, 4096}, UFFDIO_REGISTER_MODE_MISSING, 0};
	struct uffdio_zeropage here = {.range = missing.range};
	struct uffd_msg fault;
	pthread_t id;
	CHECK(!ioctl(faults, UFFDIO_API, &api) && !ioctl(faults, UFFDIO_REGISTER, &missing));
	CHECK(!pthread_create(&id, NULL, writer, page) && read(faults, &fault, sizeof fault) > 0);
	*waits = 0;
	UNTIL(has(pid, dying, "^State:.D"));
	dprintf(1, "%d\n", pid);
	UNTIL(has(pid, dying, "^TracerPid:.[1-9]"));
	CHECK(!ioctl(faults, UFFDIO_ZEROPAGE, &here) && !sleep(2)); // sleep: it deals with that end
	exit(puts(has(pid, pid, "^TracerPid:.0") ? "BAD: not attached" : "good: attached") < 0);
}

static void *die(void *unused)
{
	char end[32];
	sprintf(end, "/proc/self/fd/%d", ends[0]);
	CHECK(!unshare(CLONE_FILES) && open(end, O_RDONLY) >= 0);
	*waits = syscall(SYS_gettid);
	UNTIL(!*waits);
	return unused;
}

int main(void)
{
	pthread_t thread;
	CHECK((waits = NEW_PAGE(MAP_SHARED)) != MAP_FAILED && !pipe(ends));
	CHECK(!pthread_create(&thread, NULL, die, NULL));
	UNTIL(*waits);
	if (fork() == 0)
		judge(getppid(), *waits);
	return pause();
}
