/*
 * Makes n processes that share its memory, by clone with CLONE_VM and no exit signal.
 *
 * The kernel tells main's tracer of a clone, as for a thread, and yet each is a process: it has a
 * thread group of its own. Only __WALL and __WCLONE wait for a child without SIGCHLD.
 *
 * param: n=2
 * want: main: fork main/1..n, exit 0
 * want: main/1..n: exit 0
 * set: quick
 */
#include "clone.h"
#include <sys/wait.h>

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	long n = param("n", "2");
	for (long i = 0; i < n; i++) {
		_Atomic int seen = 0;
		int status;
		long pid = clone_task(CLONE_VM, show_up, &seen, claim(0));
		must(pid > 0, "clone");
		must(waitpid(pid, &status, __WALL) == pid, "waitpid");
		printf("process: %ld, it wrote to our memory: %d, status: %d\n", pid, seen, status);
	}
	return 0;
}
