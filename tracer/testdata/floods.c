/*
 * Floods itself with signals: a child stops and continues it without end, and 4 threads send each
 * other a real-time signal. At the end of its standard input it counts, and ends with 23 if each
 * signal that was sent was handled once.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SENDERS = 4 };

static pthread_barrier_t together;
static pthread_t threads[SENDERS];
static atomic_int sent, handled;
static atomic_int *over; /* shared with the child */

static void must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		_exit(99);
	}
}

static void count(int sig)
{
	(void)sig;
	handled++;
}

static void meet(void)
{
	int answer = pthread_barrier_wait(&together);

	must(answer == 0 || answer == PTHREAD_BARRIER_SERIAL_THREAD, "pthread_barrier_wait");
}

static void *send(void *number)
{
	pthread_t *next = &threads[((long)number + 1) % SENDERS];
	int error;

	meet();
	while (!*over) {
		error = pthread_kill(*next, SIGRTMIN);
		must(error == 0 || error == EAGAIN, "pthread_kill"); /* EAGAIN: RLIMIT_SIGPENDING */
		sent += error == 0;
	}
	meet(); /* all is sent; a thread that is back from here has handled what was sent to it */
	return NULL;
}

static void flood(pid_t pid)
{
	while (!*over)
		must(kill(pid, SIGSTOP) == 0 && kill(pid, SIGCONT) == 0, "kill");
	_exit(0);
}

int main(void)
{
	struct sigaction action = {.sa_handler = count, .sa_flags = SA_RESTART};
	pid_t child, self = getpid();
	char byte;

	over = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(over != MAP_FAILED, "mmap");
	must(pthread_barrier_init(&together, NULL, SENDERS + 1) == 0, "pthread_barrier_init");
	must(sigaction(SIGRTMIN, &action, NULL) == 0, "sigaction");
	for (long i = 0; i < SENDERS; i++)
		must(pthread_create(&threads[i], NULL, send, (void *)i) == 0, "pthread_create");
	child = fork();
	must(child >= 0, "fork");
	if (child == 0)
		flood(self);
	meet();
	must(write(1, "ready\n", 6) == 6 && read(0, &byte, 1) == 0, "ready");
	*over = 1;
	must(waitpid(child, NULL, 0) == child, "waitpid");
	meet();
	for (int i = 0; i < SENDERS; i++)
		must(pthread_join(threads[i], NULL) == 0, "pthread_join");
	must(sent == handled, "signals are lost");
	_exit(23);
}
