/*
 * Another thread than the first executes a program, and the debugger says that this thread ended.
 *
 * 1. A thread calls execve. The kernel ends the other threads (de_thread in fs/exec.c).
 * 2. The thread takes over the leader's id. Its own former id vanishes: it goes on, and neither
 *    PTRACE_EVENT_EXIT nor a wait status is reported of it. The leader has ended.
 * 3. PTRACE_EVENT_EXEC comes under the leader's id. Its message is the former id of the thread.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *execute(void *name)
{
	printf("thread %ld executes\n", syscall(SYS_gettid));
	fflush(stdout);
	execl("/proc/self/exe", name, "again", NULL);
	perror("execl");
	exit(2);
}

int main(int argc, char **argv)
{
	pthread_t thread;
	if (argc > 1) {
		puts("good: the new program came to its end");
		return 0;
	}
	if (pthread_create(&thread, NULL, execute, argv[0]))
		exit(2);
	for (;;)
		pause();
}
