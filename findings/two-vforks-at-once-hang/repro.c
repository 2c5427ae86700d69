/*
 * Two threads vfork, the second while the first waits for its child.
 *
 * 1. A thread vforks. It sleeps in the kernel, in D, until its child has ended or executed a
 *    program, and no ptrace request stops it before. That child waits for the second.
 * 2. Another thread vforks. Its tracer is told (PTRACE_EVENT_VFORK), and the second child stands in
 *    its first stop.
 * 3. A debugger that stops all threads now, and waits for the stop of the first creator, waits for
 *    the first child, which waits for the second, which the debugger holds.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHECK(done) ((done) ? (void)0 : (perror(#done), exit(2)))

static volatile pid_t first_creator;
static volatile int second_child;

static void *create_first(void *unused)
{
	first_creator = syscall(SYS_gettid);
	if (vfork() == 0) {
		while (!second_child)
			usleep(1000); // sleep: a child in vfork may take no lock
		_exit(0);
	}
	return unused;
}

/* Waits until a thread sleeps in D. */
static void await_sleep(pid_t tid)
{
	char name[64], text[256] = "";
	snprintf(name, sizeof name, "/proc/self/task/%d/stat", tid);
	while (!strstr(text, ") D ")) {
		int file = open(name, O_RDONLY);
		CHECK(file >= 0 && read(file, text, sizeof text - 1) > 0 && !close(file));
	}
}

static void *create_second(void *unused)
{
	while (!first_creator)
		usleep(1000); // sleep: the other thread is on its way
	await_sleep(first_creator);
	if (vfork() == 0) {
		second_child = 1;
		_exit(0);
	}
	return unused;
}

int main(void)
{
	pthread_t first, second;
	CHECK(!pthread_create(&first, NULL, create_first, NULL));
	CHECK(!pthread_create(&second, NULL, create_second, NULL));
	CHECK(!pthread_join(first, NULL) && !pthread_join(second, NULL));
	puts("good: both vforks came to their ends");
	return 0;
}
