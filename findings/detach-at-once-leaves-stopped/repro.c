/*
 * A debugger attaches to an idle program of some threads, and lets go at once.
 *
 * 1. PTRACE_ATTACH sends each thread a SIGSTOP.
 * 2. The debugger says that it has attached when one thread has stopped, and is told to detach.
 * 3. PTRACE_DETACH lets go of a thread in a ptrace stop. A thread whose SIGSTOP is still pending
 *    takes it when it is no longer traced, and then the whole process stops until SIGCONT.
 *
 * By hand: run it, attach to the id that it prints, detach, and press Enter.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CHECK(done) ((done) ? (void)0 : (perror(#done), exit(2)))

static void judge(pid_t pid)
{
	char command[99];
	dprintf(1, "%d\n", pid);
	getchar();
	sleep(1); // sleep: until what was pending has come to pass
	snprintf(command, sizeof command, "grep -qs '^State:.[Tt]' /proc/%d/task/*/status", pid);
	puts(system(command) ? "good: the program runs on" : "BAD: the program is left stopped");
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
	for (int i = 0; i < 4; i++)
		CHECK(!pthread_create(&thread, NULL, wait_here, NULL));
	if (fork() == 0)
		judge(getppid());
	return pthread_join(thread, NULL);
}
