/*
 * Makes n processes by clone with CLONE_PARENT: main creates them, and main's own parent is their
 * parent.
 *
 * A debugger that takes a task's parent in /proc for its creator is wrong here. Main cannot wait
 * for such a process as for a child, so each lives until main has a descriptor that tells of its
 * end.
 *
 * param: n=2
 * want: main: fork main/1..n, exit 0
 * want: main/1..n: exit 0
 * needs: linux>=5.3
 */
#include "fixture.h"
#include <poll.h>
#include <signal.h>

/* The new process: waits until main has closed the pipe. Its memory, libc's too, is a copy. */
static void run(uint32_t slot, const int *gate)
{
	char byte;
	announce(slot);
	must(!close(gate[1]), "close");
	_exit(read(gate[0], &byte, 1));
}

static void make(void)
{
	int gate[2];
	must(!pipe(gate), "pipe");
	uint32_t slot = claim(0);
	pid_t pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
	must(pid >= 0, "clone");
	if (pid == 0)
		run(slot, gate);
	struct pollfd end = {.fd = syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
	must(end.fd >= 0, "pidfd_open");
	must(!close(gate[0]) && !close(gate[1]), "close");
	while (poll(&end, 1, -1) != 1)
		must(errno == EINTR, "poll");
	must(!close(end.fd), "close");
	printf("process: %d, which is no child of process: %d\n", pid, getpid());
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	long n = param("n", "2");
	for (long i = 0; i < n; i++)
		make();
	return 0;
}
