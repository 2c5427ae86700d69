/*
 * Waits until the leader has ended, as /proc tells it. pthread_join may return before that: from
 * glibc 2.43 on, the thread that ends wakes its joiner before it calls exit(2).
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void await_leader(pthread_t leader)
{
	char stat[256] = "", *name;
	int fd;

	if (pthread_join(leader, NULL) != 0)
		abort();
	for (;;) {
		fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
		if (fd < 0 || read(fd, stat, sizeof stat - 1) <= 0 || close(fd) != 0)
			abort();
		name = strrchr(stat, ')');
		if (name == NULL || name[2] == 'Z')
			return;
		sched_yield();
	}
}
