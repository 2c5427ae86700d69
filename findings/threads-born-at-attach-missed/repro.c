/*
 * A thread makes threads, which stay, while a debugger attaches.
 *
 * 1. The debugger attaches to main, and reads the ids of the threads from /proc/PID/task, once.
 * 2. The creator, which it has not attached to yet, goes on making threads. They are not traced,
 *    and no event tells of them.
 * 3. The debugger attaches to the creator. What was born in between stays untraced and runs on.
 *
 * The creator makes a thread a millisecond until main is traced, then as many as it can: the
 * debugger meets hundreds of births between its look and the creator's stop. It loops, since
 * nothing tells when a debugger has looked.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CHECK(done) ((done) ? (void)0 : (perror(#done), exit(2)))

static int main_is_traced(void)
{
	char line[128];
	int tracer = 0;
	FILE *status = fopen("/proc/self/status", "r");
	while (status && fgets(line, sizeof line, status))
		sscanf(line, "TracerPid: %d", &tracer);
	CHECK(status && !fclose(status));
	return tracer;
}

static void *stay(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void *create(void *unused)
{
	pthread_attr_t small;
	pthread_t thread;
	CHECK(!pthread_attr_init(&small) && !pthread_attr_setstacksize(&small, 65536));
	for (int made = 0; made < 2000; made++) {
		while (made > 20 && !main_is_traced())
			usleep(1000); // sleep: /proc tells of no change
		CHECK(!pthread_create(&thread, &small, stay, NULL));
	}
	return stay(unused);
}

/* Another process: looks for untraced threads some time after main was traced. */
static void judge(pid_t pid)
{
	char untraced[99], traced[99];
	snprintf(untraced, sizeof untraced, "grep -qs '^TracerPid:.0' /proc/%d/task/*/status", pid);
	snprintf(traced, sizeof traced, "grep -qs '^TracerPid:.[1-9]' /proc/%d/status", pid);
	dprintf(1, "%d\n", pid);
	while (system(traced))
		usleep(10000); // sleep: /proc tells of no change
	sleep(5); // sleep: until the debugger has attached
	puts(system(untraced) ? "good: all threads are traced" : "BAD: some threads are not traced");
	exit(0);
}

int main(void)
{
	pthread_t thread;
	if (fork() == 0)
		judge(getppid());
	CHECK(!pthread_create(&thread, NULL, create, NULL));
	return pthread_join(thread, NULL);
}
