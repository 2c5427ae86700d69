/*
 * A process is killed in the middle of its fork, when the new process exists already.
 *
 * 1. A traced process forks. The new process is traced from its birth. It stands in its first stop.
 * 2. The kernel writes the new process's id to memory (CLONE_PARENT_SETTID). Here the write waits,
 *    for a page that userfaultfd(2) withholds, and a thread that is told so kills the process.
 * 3. A task that is killed makes no ptrace stop: PTRACE_EVENT_FORK, which names the new process,
 *    never comes. The new process's own stop is all that the tracer hears of it.
 * 4. A tracer that keeps that stop until the event comes keeps it for ever.
 *
 * main is the parent of both (PR_SET_CHILD_SUBREAPER), and waits for them.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(done) ((done) ? (void)0 : (perror(#done), exit(2)))

static int faults;

static void *kill_at_fault(void *unused)
{
	struct uffd_msg fault;
	CHECK(read(faults, &fault, sizeof fault) == sizeof fault);
	CHECK(!kill(getpid(), SIGKILL));
	return unused;
}

/* Forks as libc does not: the kernel is to write the id of the new process. */
static void create(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register missing = {{(unsigned long)page, 4096}, UFFDIO_REGISTER_MODE_MISSING, 0};
	pthread_t thread;
	faults = syscall(SYS_userfaultfd, O_CLOEXEC);
	CHECK(!ioctl(faults, UFFDIO_API, &api) && !ioctl(faults, UFFDIO_REGISTER, &missing));
	CHECK(!pthread_create(&thread, NULL, kill_at_fault, NULL));
	_exit(syscall(SYS_clone, CLONE_PARENT_SETTID | SIGCHLD, 0, page, 0, 0) ? 2 : 3);
}

int main(void)
{
	int status, killed = 0;
	CHECK(!prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
	if (fork() == 0)
		create();
	for (int i = 0; i < 600; i++, usleep(10000)) // sleep: /proc tells of no change
		switch (waitpid(-1, &status, WNOHANG)) {
		case 0:
			break;
		case -1:
			exit(puts(killed ? "good: the new process came to its end" : "no kill") < 0);
		default:
			killed += WIFSIGNALED(status);
		}
	CHECK(killed);
	puts("BAD: 6 seconds after its creator was killed the new process has not ended");
	return 0;
}
