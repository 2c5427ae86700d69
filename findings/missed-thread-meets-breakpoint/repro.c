/*
 * A thread that an attach has missed comes to a breakpoint of the debugger's.
 *
 * 1. A thread is in the middle of a clone when a debugger attaches: the kernel writes the new
 *    thread's pidfd, and the write waits for a page that userfaultfd(2) withholds.
 * 2. A second later the page is given. The new thread stands in /proc/PID/task now, and is not
 *    traced (see kernel_clone in kernel/fork.c). A debugger that has looked before misses it.
 * 3. The debugger writes a breakpoint into the code. The new thread comes there, and SIGTRAP of a
 *    thread that is not traced ends the process.
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

static int ends[2], came;

static int command(const char *format, pid_t pid)
{
	char line[120];
	return snprintf(line, sizeof line, format, pid) > 0 && !system(line);
}

/* Another process: gives the page, and has the new thread come when the program goes on. */
static void judge(pid_t pid, int faults, struct uffdio_zeropage page)
{
	struct uffd_msg fault;
	CHECK(read(faults, &fault, sizeof fault) == sizeof fault && dprintf(1, "%d\n", pid));
	command("while grep -qs '^TracerPid:.0' /proc/%d/task/*/status; do :; done", pid);
	sleep(1); // sleep: the debugger has looked for threads, and waits for the creator to stop
	CHECK(!ioctl(faults, UFFDIO_ZEROPAGE, &page) && !sleep(1)); // sleep: the creator goes on
	command("while grep -qs '^State:.t' /proc/%d/status; do :; done", pid);
	CHECK(write(ends[1], "", 1) == 1 && !sleep(1)); // sleep: the new thread has come
	int dead = !command("grep -qs '^State:.[RSt]' /proc/%d/status", pid);
	exit(puts(dead ? "BAD: the program is dead" : "good: the program lives") < 0);
}

void place(void) /* the breakpoint's */
{
	came++;
}

static int newborn(void *unused)
{
	char byte;
	if (read(ends[0], &byte, 1) == 1)
		place();
	return unused ? 0 : pause();
}

static void *create(void *page)
{
	static char stack[16384] __attribute__((aligned(16)));
	int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
	return (void *)(long)clone(newborn, stack + sizeof stack, flags | CLONE_PIDFD, NULL, page);
}

int main(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register missing = {{(long)page, 4096}, UFFDIO_REGISTER_MODE_MISSING, 0};
	int faults = syscall(SYS_userfaultfd, O_CLOEXEC);
	pthread_t thread;
	CHECK(!ioctl(faults, UFFDIO_API, &api) && !pipe(ends));
	CHECK(!ioctl(faults, UFFDIO_REGISTER, &missing));
	if (fork() == 0)
		judge(getppid(), faults, (struct uffdio_zeropage){.range = missing.range});
	CHECK(!pthread_create(&thread, NULL, create, page) && !pthread_join(thread, NULL));
	return pause();
}
