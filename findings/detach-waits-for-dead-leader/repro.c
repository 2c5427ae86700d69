/*
 * A debugger is asked to let go of a process whose leader has ended and whose other thread lives.
 *
 * 1. A debugger attaches to a program of two threads. Then main, the leader, ends by exit(2). It is
 *    a zombie until the last thread has ended, and the kernel reports its wait status only then.
 * 2. The debugger gets SIGINT, and stops each thread to detach from it. A zombie stops no more
 *    (PTRACE_INTERRUPT and a SIGSTOP do nothing), and its wait status does not come.
 * 3. A debugger that waits for that waits for ever, and the other thread stands in its stop.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHECK(done) ((done) ? (void)0 : (perror(#done), exit(2)))

/* Runs a shell's command with the process's id in it, and tells whether it succeeded. */
static int command(const char *format, pid_t pid)
{
	char line[120];
	snprintf(line, sizeof line, format, pid);
	return system(line) == 0;
}

/* Another process: interrupts the debugger when the leader has ended. */
static void judge(pid_t pid)
{
	dprintf(1, "%d\n", pid);
	while (!command("grep -qs '^State:.Z' /proc/%d/status", pid))
		usleep(10000); // sleep: /proc tells of no change
	CHECK(command("kill -INT $(sed -n 's/^TracerPid:.\\([1-9]\\)/\\1/p' /proc/%d/status)", pid));
	for (int i = 0; i < 50; i++) {
		usleep(100000); // sleep: the debugger takes its time
		if (!command("cat /proc/%d/task/*/status | grep -q '^TracerPid:.[1-9]'", pid)) {
			puts("good: the debugger has let go");
			exit(0);
		}
	}
	puts("BAD: 5 seconds after SIGINT the debugger has not let go");
	exit(0);
}

static void *wait_here(void *unused)
{
	for (;;)
		pause();
	return unused;
}

int main(void)
{
	pthread_t thread;
	pid_t pid = getpid();
	CHECK(!pthread_create(&thread, NULL, wait_here, NULL));
	if (fork() == 0)
		judge(pid);
	while (command("cat /proc/%d/task/*/status | grep -q '^TracerPid:.0'", pid))
		usleep(10000); // sleep: /proc tells of no change
	syscall(SYS_exit, 0);
}
