/*
 * Makes a thread of which the kernel tells no tracer, and prints its id. With the argument
 * "untraced" that is a clone with CLONE_UNTRACED, with "io_uring" a thread that the kernel makes
 * for a ring. Then it makes one more thread, joins it, and ends with 0.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static char stack[1 << 14] __attribute__((aligned(64)));
static volatile pid_t is_alive;

static void must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		_exit(99);
	}
}

/* It must not call libc: a raw clone has no thread storage of its own. */
static int end(void *arg)
{
	(void)arg;
	return 0;
}

static void *nothing(void *arg)
{
	return arg;
}

static int untraced(void)
{
	int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
	int tid;

	flags |= CLONE_UNTRACED | CLONE_CHILD_CLEARTID;
	is_alive = 1; /* the kernel clears it, and wakes the caller, when the thread has ended */
	tid = clone(end, stack + sizeof stack, flags, NULL, NULL, NULL, (void *)&is_alive);
	must(tid > 0, "clone");
	while (is_alive)
		syscall(SYS_futex, &is_alive, FUTEX_WAIT, 1, NULL, NULL, 0);
	return tid;
}

static int made_by_io_uring(void)
{
	struct io_uring_params params = {.flags = IORING_SETUP_SQPOLL};
	struct dirent *entry;
	int tid = 0;
	DIR *tasks;

	if (syscall(SYS_io_uring_setup, 1, &params) < 0) {
		perror("io_uring_setup");
		_exit(77);
	}
	tasks = opendir("/proc/self/task");
	must(tasks != NULL, "opendir");
	while ((entry = readdir(tasks)) != NULL)
		if (atoi(entry->d_name) > 0 && atoi(entry->d_name) != getpid())
			tid = atoi(entry->d_name);
	return tid;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	int tid;

	must(argc == 2, "arguments");
	tid = strcmp(argv[1], "untraced") == 0 ? untraced() : made_by_io_uring();
	must(printf("%d\n", tid) > 0, "printf");
	must(pthread_create(&thread, NULL, nothing, NULL) == 0, "pthread_create");
	must(pthread_join(thread, NULL) == 0, "pthread_join");
	return 0;
}
