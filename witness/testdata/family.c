/*
 * Makes tasks and prints "CREATOR CHILD" for each. The lines of one creator are in the order of the
 * births.
 *
 *   family seq N       main creates and joins N threads, one by one
 *   family par K N     K threads at once create and join N threads each
 *   family fork        main forks, and then vforks; both children execute "family nothing"
 *   family exec K      a thread executes "family nothing" beside K parked ones
 *   family codes       a thread ends with 7, a child with 3, and a child by SIGKILL; main with 5
 *   family wait        the process ends when its input does
 *   family name        the process only renames itself
 *   family nothing     the process ends
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_barrier_t gate;
static char *self;

static void check(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

static pthread_t start(void *(*f)(void *), void *arg)
{
	pthread_t t;
	check(pthread_create(&t, NULL, f, arg) == 0, "pthread_create");
	return t;
}

static void *tid(void *arg)
{
	(void)arg;
	return (void *)(long)gettid();
}

struct births { int n; pid_t creator; pid_t *child; };

static void *create(void *arg)
{
	struct births *b = arg;
	void *child;

	b->creator = gettid();
	pthread_barrier_wait(&gate);
	for (int i = 0; i < b->n; i++) {
		check(pthread_join(start(tid, NULL), &child) == 0, "pthread_join");
		b->child[i] = (long)child;
	}
	pthread_barrier_wait(&gate); /* no creator's tid is used again before all are done */
	return NULL;
}

static void family(int creators, int n)
{
	struct births *b = calloc(creators, sizeof *b);
	pthread_t *t = calloc(creators, sizeof *t);

	check(b && t, "calloc");
	pthread_barrier_init(&gate, NULL, creators);
	for (int k = 0; k < creators; k++) {
		b[k] = (struct births){n, 0, calloc(n, sizeof(pid_t))};
		check(b[k].child != NULL, "calloc");
		if (creators > 1)
			t[k] = start(create, &b[k]);
	}
	if (creators == 1)
		create(b);
	for (int k = 0; k < creators; k++) {
		if (creators > 1) {
			check(pthread_join(t[k], NULL) == 0, "pthread_join");
			printf("%d %d\n", getpid(), b[k].creator);
		}
		for (int i = 0; i < n; i++)
			printf("%d %d\n", b[k].creator, b[k].child[i]);
	}
}

static void execute(void)
{
	execl(self, self, "nothing", NULL);
	_exit(127);
}

static void *sibling(void *executes)
{
	printf("%d %d\n", getpid(), gettid());
	fflush(stdout);
	pthread_barrier_wait(&gate);
	if (executes)
		execute();
	pause();
	return NULL;
}

static void *ends_with(void *code)
{
	printf("%d %d\n", getpid(), gettid());
	fflush(stdout);
	syscall(SYS_exit, (long)code);
	return NULL;
}

static void codes(void)
{
	pid_t child;

	check(pthread_join(start(ends_with, (void *)7), NULL) == 0, "pthread_join");
	for (int i = 0; i < 2; i++) {
		if ((child = fork()) == 0) {
			if (i == 1)
				raise(SIGKILL);
			_exit(3);
		}
		check(child > 0 && waitpid(child, NULL, 0) == child, "fork");
		printf("%d %d\n", getpid(), child);
	}
	fflush(stdout);
	syscall(SYS_exit, 5);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	int n = argc > 2 ? atoi(argv[2]) : 0, m = argc > 3 ? atoi(argv[3]) : 0;
	pid_t child;

	self = argv[0];
	if (!strcmp(what, "seq")) {
		family(1, n);
	} else if (!strcmp(what, "par")) {
		family(n, m);
	} else if (!strcmp(what, "fork")) {
		if ((child = fork()) == 0)
			execute();
		check(child > 0 && waitpid(child, NULL, 0) == child, "fork");
		printf("%d %d\n", getpid(), child);
		if ((child = vfork()) == 0)
			execute();
		check(child > 0 && waitpid(child, NULL, 0) == child, "vfork");
		printf("%d %d\n", getpid(), child);
	} else if (!strcmp(what, "exec")) {
		pthread_barrier_init(&gate, NULL, n + 1);
		for (int i = 0; i < n; i++)
			start(sibling, NULL);
		start(sibling, &gate);
		pause();
	} else if (!strcmp(what, "codes")) {
		codes();
	} else if (!strcmp(what, "wait")) {
		getchar();
	} else if (!strcmp(what, "name")) {
		check(prctl(PR_SET_NAME, "renamed", 0, 0, 0) == 0, "prctl");
	}
	return 0;
}
