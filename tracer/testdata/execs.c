/*
 * Executes itself, to end with 5, while 8 threads live: "leader" from the first thread, "thread"
 * from the last, "orphan" from the last when the leader has ended. "parked" waits for a byte of
 * standard input first, and says when.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "leader.h"

enum { SIBLINGS = 8 };

static char **args;
static int waits;

static void again(void)
{
	char byte;

	if (waits && (write(1, "ready\n", 6) != 6 || read(0, &byte, 1) != 1))
		abort();
	execl(args[0], args[0], (char *)NULL);
	abort();
}

static void *sibling(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void *last(void *leader)
{
	if (leader != NULL)
		await_leader(*(pthread_t *)leader);
	again();
	return NULL;
}

int main(int argc, char **argv)
{
	static pthread_t thread, leader;
	int orphan;

	if (argc == 1)
		return 5;
	args = argv;
	leader = pthread_self();
	waits = argc == 3;
	orphan = strcmp(argv[1], "orphan") == 0;
	for (int i = 0; i < SIBLINGS; i++)
		if (pthread_create(&thread, NULL, sibling, NULL) != 0)
			return 1;
	if (strcmp(argv[1], "leader") == 0)
		again();
	if (pthread_create(&thread, NULL, last, orphan ? &leader : NULL) != 0)
		return 1;
	if (orphan)
		pthread_exit(NULL);
	for (;;)
		pause();
}
