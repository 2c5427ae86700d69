/*
 * A signal comes to a thread between PTRACE_ATTACH and the stop for which the debugger waits.
 *
 * 1. A thread vforks: it sleeps in the kernel until its child has ended, and cannot stop before.
 * 2. The debugger attaches to it. The SIGSTOP of PTRACE_ATTACH is pending.
 * 3. Another process sends that thread SIGUSR1, and has the child end.
 * 4. The thread goes on, and the kernel takes the pending signal of the lowest number first: the
 *    first stop that the debugger sees is a signal-delivery stop of SIGUSR1, not of SIGSTOP.
 * 5. SIGUSR1 belongs to the program. A debugger that goes on from this stop with signal 0 has
 *    swallowed it.
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
static volatile sig_atomic_t handled;

/* Tells whether the status of the creator has such a line. */
static int creator_is(pid_t pid, const char *line)
{
	char command[99];
	snprintf(command, sizeof command, "grep -qs '%s' /proc/%d/task/%d/status", line, pid, creator);
	return system(command) == 0;
}

/* Another process: sends the signal when the creator is traced, and has its child end. */
static void interfere(pid_t pid)
{
	while (!creator_is(pid, "^State:.D"))
		usleep(10000); // sleep: /proc tells of no change
	printf("%d\n", pid);
	while (!creator_is(pid, "^TracerPid:.[1-9]"))
		usleep(10000); // sleep: /proc tells of no change
	CHECK(!syscall(SYS_tgkill, pid, creator, SIGUSR1));
	CHECK(write(ends[1], "", 1) == 1);
	exit(0);
}

static void *create(void *unused)
{
	char byte;
	creator = syscall(SYS_gettid);
	if (vfork() == 0)
		_exit(read(ends[0], &byte, 1) != 1);
	return unused;
}

static void count(int signal)
{
	handled += signal == SIGUSR1;
}

int main(void)
{
	pthread_t thread;
	setlinebuf(stdout);
	CHECK(signal(SIGUSR1, count) != SIG_ERR && !pipe(ends));
	CHECK(!pthread_create(&thread, NULL, create, NULL));
	while (!creator)
		usleep(1000); // sleep: the other thread is on its way
	if (fork() == 0)
		interfere(getppid());
	CHECK(!pthread_join(thread, NULL));
	puts(handled ? "good: SIGUSR1 was handled" : "BAD: SIGUSR1 was sent, and was not delivered");
	return 0;
}
