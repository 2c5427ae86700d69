/*
 * Makes a process in a pid namespace of its own, which makes n threads: inside, all have other ids.
 *
 * A tracer is told the ids of its own namespace. The tasks find those in /proc, whose mount is the
 * old namespace's, and print the ones that gettid gives beside them.
 *
 * param: n=3
 * want: main: fork main/1, exit 0
 * want: main/1: clone main/1/1..n, exit 0
 * want: main/1/1..n: exit 0
 * needs: cap_sys_admin
 */
#include "outside.h"
#include <sys/wait.h>

static void *thread(void *slot)
{
	announce_outside((uintptr_t)slot);
	return NULL;
}

static int inside(uint32_t self, long n)
{
	announce_outside(self);
	for (long i = 0; i < n; i++) {
		pthread_t id;
		must(!pthread_create(&id, NULL, thread, (void *)(uintptr_t)claim(self)), "pthread_create");
		must(!pthread_join(id, NULL), "pthread_join");
	}
	return 0;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	long n = param("n", "3");
	must(!syscall(SYS_unshare, CLONE_NEWPID), "unshare"); /* for its children, not for itself */
	uint32_t slot = claim(0);
	int status, pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0)
		return inside(slot, n);
	must(waitpid(pid, &status, 0) == pid && status == 0, "waitpid");
	return 0;
}
