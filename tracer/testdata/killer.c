/*
 * Kills its tracer: "main" from its first thread, "thread" from another, "child" from a forked
 * process, beside 4 threads that make threads without end. "parked" waits for a byte of standard
 * input first, and says when. If it lives on, it ends with 23 at the end of its input.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		_exit(99);
	}
}

/* A number in /proc/TASK/status. */
static int field(const char *task, const char *format)
{
	char path[64], line[256];
	int n = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%s/status", task);
	f = fopen(path, "r");
	must(f != NULL, path);
	while (n == 0 && fgets(line, sizeof line, f) != NULL)
		(void)!sscanf(line, format, &n);
	fclose(f);
	return n;
}

/* TracerPid is the tracer's thread. */
static void *kill_tracer(void *arg)
{
	char tracer[16];

	snprintf(tracer, sizeof tracer, "%d", field("thread-self", "TracerPid: %d"));
	must(strcmp(tracer, "0") != 0, "it is not traced");
	must(kill(field(tracer, "Tgid: %d"), SIGKILL) == 0, "kill");
	return arg;
}

static void *nothing(void *arg)
{
	return arg;
}

static void *make_threads(void *arg)
{
	pthread_t thread;

	for (;;) {
		must(pthread_create(&thread, NULL, nothing, NULL) == 0, "pthread_create");
		must(pthread_join(thread, NULL) == 0, "pthread_join");
	}
	return arg;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	pid_t child;
	char byte;

	must(argc >= 2, "arguments");
	for (int i = 0; i < 4; i++)
		must(pthread_create(&thread, NULL, make_threads, NULL) == 0, "pthread_create");
	if (argc == 3)
		must(write(1, "ready\n", 6) == 6 && read(0, &byte, 1) == 1, "ready");
	if (strcmp(argv[1], "main") == 0)
		kill_tracer(NULL);
	if (strcmp(argv[1], "thread") == 0) {
		must(pthread_create(&thread, NULL, kill_tracer, NULL) == 0, "pthread_create");
		must(pthread_join(thread, NULL) == 0, "pthread_join");
	}
	if (strcmp(argv[1], "child") == 0) {
		child = fork();
		must(child >= 0, "fork");
		if (child == 0) {
			kill_tracer(NULL);
			_exit(0);
		}
		must(waitpid(child, NULL, 0) == child, "waitpid");
	}
	must(read(0, &byte, 1) == 0, "read");
	_exit(23);
}
