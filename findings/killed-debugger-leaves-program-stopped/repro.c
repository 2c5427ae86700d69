/*
 * A debugger is killed when it has attached to a program to which a signal came meanwhile.
 *
 * 1. A thread vforks: it sleeps in the kernel until its child has ended, and cannot stop before.
 * 2. The debugger attaches to it. The SIGSTOP of PTRACE_ATTACH is pending.
 * 3. Another process sends that thread SIGUSR1, and has the child end.
 * 4. The thread goes on and stops for SIGUSR1, which has the lower number. That stop is what the
 *    debugger waited for. The SIGSTOP is still pending.
 * 5. The debugger is killed. The kernel detaches from the thread, which takes its SIGSTOP now that
 *    it is no longer traced: the whole process stops, until some other process sends SIGCONT.
 *
 * PTRACE_SEIZE and PTRACE_INTERRUPT send no SIGSTOP.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHECK(done) ((done) ? (void)0 : (perror(#done), exit(2)))

static int ends[2];
static volatile pid_t creator;

/* Runs a shell's command with the creator's folder in /proc, and tells whether it succeeded. */
static int command(const char *format, pid_t pid)
{
	char line[120], folder[40];
	snprintf(folder, sizeof folder, "/proc/%d/task/%d", pid, creator);
	snprintf(line, sizeof line, format, folder);
	return system(line) == 0;
}

/* Another process: sends the signal when the creator is traced, and kills the tracer. */
static void judge(pid_t pid)
{
	while (!command("grep -qs '^State:.D' %s/status", pid))
		usleep(10000); // sleep: /proc tells of no change
	printf("%d\n", pid);
	while (!command("grep -qs '^TracerPid:.[1-9]' %s/status", pid))
		usleep(10000); // sleep: /proc tells of no change
	CHECK(!syscall(SYS_tgkill, pid, creator, SIGUSR1));
	CHECK(write(ends[1], "", 1) == 1);
	sleep(2); // sleep: until the debugger has attached
	CHECK(command("kill -9 $(sed -n 's/^TracerPid:.\\([1-9]\\)/\\1/p' %s/status)", pid));
	sleep(1); // sleep: the kernel has detached from the threads
	puts(command("grep -qs '^State:.T (stopped)' %s/status", pid)
		     ? "BAD: the program is left stopped, and no SIGSTOP was sent to it"
		     : "good: the program runs on");
	exit(0);
}

static void *create(void *unused)
{
	char byte;
	creator = syscall(SYS_gettid);
	if (vfork() == 0)
		_exit(read(ends[0], &byte, 1) != 1);
	for (;;)
		pause();
	return unused;
}

int main(void)
{
	pthread_t thread;
	setlinebuf(stdout);
	CHECK(signal(SIGUSR1, SIG_IGN) != SIG_ERR && !pipe(ends));
	CHECK(!pthread_create(&thread, NULL, create, NULL));
	while (!creator)
		usleep(1000); // sleep: the other thread is on its way
	if (fork() == 0)
		judge(getppid());
	return pthread_join(thread, NULL);
}
