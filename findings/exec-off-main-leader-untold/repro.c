/*
 * Another thread than the first executes a program, and the debugger may say nothing of the
 * leader's end.
 *
 * 1. A thread calls execve. The kernel kills the leader and waits until it is a zombie (de_thread
 *    in fs/exec.c).
 * 2. The thread takes over the leader's id. The leader reports PTRACE_EVENT_EXIT, if its tracer
 *    asked for that, and no wait status. PTRACE_EVENT_EXEC comes under the leader's id, and its
 *    message is the former id of the thread.
 * 3. A debugger hears of the leader's end by that message alone, or finds it in /proc as a zombie
 *    if it looks in time.
 *
 * It loops: whether the debugger looks in time is its own doing.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void *execute(void *name)
{
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
