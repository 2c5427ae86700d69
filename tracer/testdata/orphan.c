/*
 * Its first thread ends; another says so, and ends with 23 at the end of standard input. With
 * "late" the first thread ends only when a byte comes, with 7, and the program says first that it
 * is ready.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "leader.h"

static int late;

static void *survive(void *leader)
{
	char byte;

	await_leader(*(pthread_t *)leader);
	if ((!late && write(1, "ready\n", 6) != 6) || read(0, &byte, 1) != 0)
		abort();
	_exit(23);
}

int main(int argc, char **argv)
{
	static pthread_t leader, thread;
	char byte;

	late = argc == 2 && strcmp(argv[1], "late") == 0;
	leader = pthread_self();
	if (pthread_create(&thread, NULL, survive, &leader) != 0)
		return 1;
	if (late && (write(1, "ready\n", 6) != 6 || read(0, &byte, 1) != 1))
		return 1;
	if (late)
		syscall(SYS_exit, 7);
	pthread_exit(NULL);
}
