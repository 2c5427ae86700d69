/*
 * Threads of a program get signals without end, while a client connects to gdbserver.
 *
 * 1. gdbserver attaches to the program. Each thread that gets a signal stops for it.
 * 2. In non-stop mode the client sends the packet "?", which asks for all stops that there are.
 * 3. Threads stop for signals meanwhile: further stops come to the list of those that are not told
 *    yet, while it is being made.
 *
 * It loops: the stops must come while gdbserver deals with the packet.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static pthread_t threads[4];

static void handle(int signal)
{
	(void)signal;
}

static void *send_signals(void *next)
{
	for (;;)
		if (pthread_kill(*(pthread_t *)next, SIGUSR1))
			exit(2);
	return NULL;
}

static void *wait_here(void *unused)
{
	for (;;)
		pause();
	return unused;
}

int main(void)
{
	pthread_t sender;
	if (signal(SIGUSR1, handle) == SIG_ERR)
		exit(2);
	for (int i = 0; i < 4; i++)
		if (pthread_create(&threads[i], NULL, wait_here, NULL) ||
		    pthread_create(&sender, NULL, send_signals, &threads[i]))
			exit(2);
	dprintf(1, "%d\n", getpid());
	return pthread_join(sender, NULL);
}
