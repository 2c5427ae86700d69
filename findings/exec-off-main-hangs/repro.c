/*
 * Another thread than the first executes a program.
 *
 * 1. A thread calls execve. The kernel ends all other threads, the leader too, and waits until they
 *    are gone (de_thread in fs/exec.c).
 * 2. The thread takes over the leader's id. Its own former id vanishes, and no end of it is
 *    reported. The leader reports PTRACE_EVENT_EXIT, and no wait status after it.
 * 3. PTRACE_EVENT_EXEC comes under the leader's id. Its message is the former id of the thread.
 * 4. A debugger that now waits for a stop or an end of the former id, or of the threads that are
 *    gone, waits for ever. The program stands in the stop of its exec.
 *
 * It loops: which ends the debugger has met by then is its own doing. One run mostly suffices.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void *wait_here(void *unused)
{
	for (;;)
		pause();
	return unused;
}

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
	for (int i = 0; i < 8; i++)
		if (pthread_create(&thread, NULL, wait_here, NULL))
			exit(2);
	if (pthread_create(&thread, NULL, execute, argv[0]))
		exit(2);
	wait_here(NULL);
}
