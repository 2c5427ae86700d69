/*
 * A process whose leader has ended, and whose other thread lives on.
 *
 * 1. main starts a thread and ends by exit(2), as pthread_exit does. The process lives on: its
 *    leader is a zombie until the last thread has ended.
 * 2. PTRACE_ATTACH and PTRACE_SEIZE are EPERM for the leader, since it is on its way out
 *    (ptrace_attach in kernel/ptrace.c). They are granted for every other thread.
 * 3. So a debugger that takes the refusal of the leader for a refusal of the process cannot attach.
 *
 * By hand: run it, attach to the id that it prints, and then press Enter.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHECK(done) ((done) ? (void)0 : (perror(#done), exit(2)))

static volatile pid_t living;

/* Tells whether the status of some thread has such a line. */
static int some_thread(pid_t pid, const char *line)
{
	char command[99];
	snprintf(command, sizeof command, "grep -qs '%s' /proc/%d/task/*/status", line, pid);
	return system(command) == 0;
}

/* Another process: looks until Enter whether the thread is traced, else whether it can be. */
static void judge(void)
{
	pid_t pid = getppid();
	struct pollfd enter = {.events = POLLIN};
	while (!some_thread(pid, "^State:.Z"))
		usleep(10000); // sleep: /proc tells of no change
	printf("%d\n", pid);
	while (!poll(&enter, 1, 10))
		if (some_thread(pid, "^TracerPid:.[1-9]")) {
			puts("good: the debugger attached to the other thread");
			exit(0);
		}
	CHECK(!ptrace(PTRACE_SEIZE, living, NULL, NULL));
	printf("BAD: the debugger did not attach to thread %d, and this program could\n", living);
	exit(0);
}

static void *live_on(void *unused)
{
	living = syscall(SYS_gettid);
	for (;;)
		pause();
	return unused;
}

int main(void)
{
	pthread_t thread;
	setlinebuf(stdout);
	CHECK(!pthread_create(&thread, NULL, live_on, NULL));
	while (!living)
		usleep(1000); // sleep: the other thread is on its way
	if (fork() == 0)
		judge();
	syscall(SYS_exit, 0);
}
