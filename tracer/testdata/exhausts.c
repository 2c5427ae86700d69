/*
 * Exhausts its process ids. "nproc N" sets RLIMIT_NPROC to N, as user 64322 if it is root; "cgroup
 * FILE" moves to the cgroup with that cgroup.procs file. Then it makes threads and processes in
 * turn until the kernel refuses both, never more than 400, prints how many it made, and ends with
 * 23.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 400 };

static int gate[2];

static void must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		_exit(99);
	}
}

static void *rest(void *arg)
{
	char byte;

	must(read(gate[0], &byte, 1) == 0, "read");
	return arg;
}

static void bound(const char *how, const char *by)
{
	struct rlimit limit = {atoi(by), atoi(by)};
	int file;

	if (strcmp(how, "cgroup") == 0) {
		file = open(by, O_WRONLY);
		must(file >= 0 && write(file, "0", 1) == 1 && close(file) == 0, by);
		return;
	}
	must(setrlimit(RLIMIT_NPROC, &limit) == 0, "setrlimit");
	must(getuid() != 0 || setresuid(64322, 64322, 64322) == 0, "setresuid");
}

int main(int argc, char **argv)
{
	static pthread_t threads[MOST];
	int made = 0, forked = 0, refused = 0, error;
	pid_t child;

	must(argc == 3 && pipe(gate) == 0, "arguments");
	bound(argv[1], argv[2]);
	while (refused < 2 && made + forked < MOST) {
		error = pthread_create(&threads[made], NULL, rest, NULL);
		must(error == 0 || error == EAGAIN, "pthread_create");
		made += error == 0;
		child = fork();
		must(child >= 0 || errno == EAGAIN, "fork");
		if (child == 0) {
			close(gate[1]);
			rest(NULL);
			_exit(0);
		}
		forked += child > 0;
		refused = (error != 0) + (child < 0);
	}
	must(refused == 2, "there is no bound");
	close(gate[1]);
	for (int i = 0; i < made; i++)
		must(pthread_join(threads[i], NULL) == 0, "pthread_join");
	for (int i = 0; i < forked; i++)
		must(wait(NULL) > 0, "wait");
	printf("%d %d\n", made, forked);
	return 23;
}
