/*
 * A program stops itself, and is to go on when it is sent SIGCONT.
 *
 * 1. The program sends itself SIGSTOP. Its tracer is told (a signal-delivery stop), and lets the
 *    signal be delivered.
 * 2. The kernel stops all threads of the process (a group stop). A tracer that used PTRACE_SEIZE
 *    keeps that stop by PTRACE_LISTEN until SIGCONT comes.
 * 3. After PTRACE_ATTACH or PTRACE_TRACEME there is no PTRACE_LISTEN (it is EIO): a tracer can only
 *    resume the thread, which ends the stop, or leave it and hear of no SIGCONT.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define CHECK(done) ((done) ? (void)0 : (perror(#done), exit(2)))

static volatile int *step; /* 1: about to stop, 2: went on, 3: all is said */

/* Another process, which no debugger follows: the program is to stand until it sends SIGCONT. */
static void judge(pid_t pid)
{
	while (!*step)
		usleep(1000); // sleep: the other process is on its way
	sleep(2); // sleep: the program is to stand for so long
	puts(*step > 1 ? "BAD: the program went on without SIGCONT" : "good: the program stands");
	fflush(stdout);
	CHECK(!kill(pid, SIGCONT));
	*step = 3;
	exit(0);
}

int main(void)
{
	step = mmap(NULL, sizeof *step, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(step != MAP_FAILED);
	if (fork() == 0)
		judge(getppid());
	*step = 1;
	CHECK(!raise(SIGSTOP));
	if (*step == 1)
		*step = 2;
	while (*step < 3)
		usleep(1000); // sleep: the other process is on its way
	return 0;
}
