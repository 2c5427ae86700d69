/*
 * Becomes a process that an ordinary user may not attach to: "undumpable" by prctl, "another" by
 * becoming user 64322. It makes a thread before that and one after; then, after a byte of standard
 * input if it is "parked", two threads more. Ends with 23.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static void must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		_exit(99);
	}
}

static void *nothing(void *arg)
{
	return arg;
}

static void make_thread(void)
{
	pthread_t thread;

	must(pthread_create(&thread, NULL, nothing, NULL) == 0, "pthread_create");
	must(pthread_join(thread, NULL) == 0, "pthread_join");
}

/*
 * A joined thread may still be on its way out. /proc/self/task has a link for each thread that is
 * not gone, and two more.
 */
static void await_being_alone(void)
{
	struct stat tasks;

	do
		must(stat("/proc/self/task", &tasks) == 0, "/proc/self/task");
	while (tasks.st_nlink != 3 && sched_yield() == 0);
}

int main(int argc, char **argv)
{
	char byte;

	must(argc >= 2, "arguments");
	make_thread();
	if (strcmp(argv[1], "undumpable") == 0) {
		must(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0, "prctl");
	} else {
		must(setresgid(64322, 64322, 64322) == 0, "setresgid");
		must(setresuid(64322, 64322, 64322) == 0, "setresuid");
	}
	make_thread();
	await_being_alone();
	if (argc == 3)
		must(write(1, "ready\n", 6) == 6 && read(0, &byte, 1) >= 0, "ready");
	make_thread();
	make_thread();
	return 23;
}
