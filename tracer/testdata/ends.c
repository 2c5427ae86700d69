/*
 * Ends: "code N" by exit(N), "group N" by exit(N) from a thread, "signal N" by a fatal signal to
 * itself, "leader N" by a thread's exit(N) after the leader has ended.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "leader.h"

static pthread_t leader;
static int n, leads;

static void *end(void *arg)
{
	if (leads)
		await_leader(leader);
	exit(n);
	return arg;
}

int main(int argc, char **argv)
{
	struct rlimit none = {0, 0};
	pthread_t thread;

	if (argc != 3 || setrlimit(RLIMIT_CORE, &none) != 0)
		return 1;
	n = atoi(argv[2]);
	if (strcmp(argv[1], "code") == 0)
		return n;
	if (strcmp(argv[1], "signal") == 0)
		return kill(getpid(), n);
	leader = pthread_self();
	leads = strcmp(argv[1], "leader") == 0;
	if (pthread_create(&thread, NULL, end, NULL) != 0)
		return 1;
	if (leads)
		pthread_exit(NULL);
	for (;;)
		pause();
}
