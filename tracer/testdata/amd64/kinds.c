/*
 * "kinds first OTHER" makes a thread by the C library and one by clone(2), forks by the library
 * and by fork(2), and vforks a child that executes OTHER, to end with 7. Then it executes OTHER
 * itself, which makes a thread that executes it once more, to end with 5. OTHER is this program,
 * maybe built for another ABI.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char stack[1 << 14] __attribute__((aligned(64)));
static volatile pid_t gone;
static char *other;

static void *nothing(void *arg)
{
	return arg;
}

/* No libc in here: a raw clone has no thread storage of its own. */
static int end(void *code)
{
	return (int)(long)code;
}

static int raw_thread(void)
{
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			  CLONE_SYSVSEM | CLONE_CHILD_CLEARTID;

	gone = 1; /* the kernel clears it, and wakes us, when the thread has ended */
	if (clone(end, stack + sizeof stack, flags, (void *)6, NULL, NULL, (void *)&gone) < 0)
		return -1;
	while (gone)
		syscall(SYS_futex, &gone, FUTEX_WAIT, 1, NULL, NULL, 0);
	return 0;
}

static int ends_with(pid_t child, int code)
{
	int status;

	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
	       WEXITSTATUS(status) == code;
}

static int make_all(void)
{
	pthread_t thread;
	pid_t child;

	if (pthread_create(&thread, NULL, nothing, NULL) != 0 || pthread_join(thread, NULL) != 0 ||
	    raw_thread() != 0)
		return 0;
	child = fork();
	if (child == 0)
		_exit(3);
	if (!ends_with(child, 3))
		return 0;
	child = syscall(SYS_fork);
	if (child == 0)
		_exit(4);
	if (!ends_with(child, 4))
		return 0;
	child = vfork();
	if (child == 0) {
		execl(other, other, "7", (char *)NULL);
		_exit(1);
	}
	return ends_with(child, 7);
}

static void *again(void *arg)
{
	execl(other, other, "5", (char *)NULL);
	abort();
	return arg;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc == 2)
		return atoi(argv[1]);
	if (argc != 3)
		return 1;
	other = argv[2];
	if (strcmp(argv[1], "first") == 0) {
		if (make_all())
			execl(other, other, "second", other, (char *)NULL);
		return 1;
	}
	if (pthread_create(&thread, NULL, again, NULL) != 0)
		return 1;
	for (;;)
		pause();
}
