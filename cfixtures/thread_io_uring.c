/*
 * Has io_uring make a thread of the kernel's in this process, and makes two of its own beside it.
 *
 * A ring with SQPOLL has a thread that looks for work (create_io_thread in kernel/fork.c, with
 * CLONE_UNTRACED). /proc/PID/task lists it like any other, and no tracer can attach to it. At
 * checkpoint 1 it lives, and the first of the program's own two has ended.
 *
 * want: main: clone main/1 untraced, clone main/2..3, exit 0
 * want: main/1..3: exit 0
 * needs: linux>=5.12 io_uring
 * modes: launch attach_before attach_during detach_during stops
 */
#include "fixture.h"
#include <dirent.h>
#include <linux/io_uring.h>

static void *thread(void *slot)
{
	announce((uintptr_t)slot);
	printf("process: %d, thread: %ld\n", getpid(), syscall(SYS_gettid));
	return NULL;
}

/* The only task of this process besides main. */
static int other_task(void)
{
	DIR *tasks = opendir("/proc/self/task");
	must(tasks != NULL, "/proc/self/task");
	int other = 0;
	for (struct dirent *entry; (entry = readdir(tasks));)
		if (*entry->d_name != '.' && atoi(entry->d_name) != getpid())
			other = atoi(entry->d_name);
	must(!closedir(tasks) && other, "/proc/self/task has no thread of io_uring");
	return other;
}

static void make(void)
{
	pthread_t id;
	must(!pthread_create(&id, NULL, thread, (void *)(uintptr_t)claim(0)), "pthread_create");
	must(!pthread_join(id, NULL), "pthread_join");
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	struct io_uring_params params = {.flags = IORING_SETUP_SQPOLL, .sq_thread_idle = 1 /* ms */};
	uint32_t slot = claim(0);
	int ring = syscall(SYS_io_uring_setup, 1, &params);
	must(ring >= 0, "io_uring_setup");
	int tid = other_task();
	announce_other(slot, getpid(), tid);
	printf("process: %d, thread: %d, of the kernel's\n", getpid(), tid);
	make();
	checkpoint(1);
	make();
	return 0;
}
