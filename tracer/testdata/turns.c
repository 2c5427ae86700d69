/*
 * "turns N" has N threads. Each prints its number and "\n" when that number comes as a byte of
 * standard input. At 'c' the first thread makes a thread by a raw clone, and waits for its end; at
 * 't' it sends the process a SIGTRAP, whose handler prints "t\n". The program says when it is
 * ready, and ends with 23 at the end of its input.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static sem_t turns[10];
static char stack[1 << 14] __attribute__((aligned(64)));
static volatile pid_t gone;

static void *thread(void *turn)
{
	char line[] = {'0' + (sem_t *)turn - turns, '\n'};

	for (;;)
		if (sem_wait(turn) == 0 && write(1, line, 2) != 2)
			abort();
	return NULL;
}

/* No libc in here: a raw clone has no thread storage of its own. */
static int end(void *arg)
{
	return arg != NULL;
}

static void make(void)
{
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			  CLONE_SYSVSEM | CLONE_CHILD_CLEARTID;

	gone = 1; /* the kernel clears it, and wakes us, when the thread has ended */
	if (clone(end, stack + sizeof stack, flags, NULL, NULL, NULL, (void *)&gone) < 0)
		abort();
	while (gone)
		syscall(SYS_futex, &gone, FUTEX_WAIT, 1, NULL, NULL, 0);
}

static void trap(int signal)
{
	if (write(1, "t\n", 2) != 2)
		_exit(signal);
}

int main(int argc, char **argv)
{
	pthread_t id;
	char turn;

	if (signal(SIGTRAP, trap) == SIG_ERR)
		return 1;
	for (int i = 0; argc == 2 && i < atoi(argv[1]); i++)
		if (sem_init(&turns[i], 0, 0) != 0 || pthread_create(&id, NULL, thread, &turns[i]) != 0)
			return 1;
	if (write(1, "ready\n", 6) != 6)
		return 1;
	while (read(0, &turn, 1) == 1)
		if (turn == 'c')
			make();
		else if (turn == 't')
			kill(getpid(), SIGTRAP);
		else if (sem_post(&turns[turn - '0']) != 0)
			return 1;
	return 23;
}
