/*
 * A thread is in the middle of a clone when a debugger attaches, and finishes it afterwards.
 *
 * 1. The kernel settles, when a clone begins, whether the new thread is traced from its birth and
 *    whether its birth is announced (kernel_clone and copy_process in kernel/fork.c).
 * 2. It writes the new thread's pidfd before that thread stands in /proc/PID/task. Here the write
 *    waits, for a page that userfaultfd(2) withholds.
 * 3. The debugger attaches to the creator. A second later another process gives the page.
 * 4. The creator ends its clone and stops. Now the new thread stands in /proc/PID/task, untraced,
 *    and no event tells of it: only one more look finds it.
 * This needs Linux 6.9 (pidfds of threads) and the right to use userfaultfd.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHECK(done) ((done) ? (void)0 : (perror(#done), exit(2)))

/* Tells whether the status of some thread has such a line. */
static int some_thread(pid_t pid, const char *line)
{
	char command[99];
	snprintf(command, sizeof command, "grep -qs '%s' /proc/%d/task/*/status", line, pid);
	return system(command) == 0;
}

/* Gives the page a second after the attach, and looks for untraced threads then. */
static void judge(int faults, struct uffdio_range page)
{
	pid_t pid = getppid();
	struct uffd_msg fault;
	struct uffdio_zeropage here = {.range = page};
	CHECK(read(faults, &fault, sizeof fault) == sizeof fault);
	printf("%d\n", pid);
	while (some_thread(pid, "^TracerPid:.0"))
		usleep(10000); // sleep: /proc tells of no change
	sleep(1); // sleep: the debugger has looked for threads, and waits for the creator to stop
	CHECK(!ioctl(faults, UFFDIO_ZEROPAGE, &here));
	sleep(2); // sleep: the creator has stopped, and the debugger has had time to look again
	puts(some_thread(pid, "^TracerPid:.0") ? "BAD: the new thread is not traced"
					       : "good: all threads are traced");
	exit(0);
}

static int newborn(void *unused)
{
	return unused ? 0 : pause();
}

static void *creator(void *page)
{
	static char stack[16384] __attribute__((aligned(16)));
	int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
	CHECK(clone(newborn, stack + sizeof stack, flags | CLONE_PIDFD, NULL, page) > 0);
	return NULL;
}

int main(void)
{
	long size = sysconf(_SC_PAGESIZE);
	void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register missing = {{(unsigned long)page, size}, UFFDIO_REGISTER_MODE_MISSING, 0};
	int faults = syscall(SYS_userfaultfd, O_CLOEXEC);
	pthread_t thread;
	setlinebuf(stdout);
	CHECK(!ioctl(faults, UFFDIO_API, &api) && !ioctl(faults, UFFDIO_REGISTER, &missing));
	if (fork() == 0)
		judge(faults, missing.range);
	CHECK(!pthread_create(&thread, NULL, creator, page) && !pthread_join(thread, NULL));
	return pause();
}
