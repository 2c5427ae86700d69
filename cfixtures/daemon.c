/*
 * Makes a daemon: forks a process that leads a session of its own, forks the daemon and ends.
 *
 * The daemon is not main's child, and yet main waits for its end, so that the program's end comes
 * last. Checkpoint 1 is when the daemon is an orphan, just before it does its work.
 *
 * want: main: fork main/1, exit 0
 * want: main/1: fork main/1/1, exit 0
 * want: main/1/1: clone main/1/1/1, exit 3
 * want: main/1/1/1: exit 0
 * needs: linux>=5.3
 * modes: launch attach_before detach_during stops
 * set: quick
 */
#include "process.h"
#include <poll.h>

enum { daemon_pid, is_orphan, words };

/* The daemon. */
static void work(_Atomic uint32_t *shared, uint32_t slot, pid_t parent)
{
	await(&shared[is_orphan], 1);
	must(getppid() != parent && getsid(0) == parent, "a daemon's parent and session");
	one_thread(slot);
	printf("process: %d is a daemon\n", getpid());
	_exit(3);
}

/* The leader of the session. */
static void daemonize(_Atomic uint32_t *shared, uint32_t slot)
{
	must(setsid() == getpid(), "setsid");
	pid_t parent = getpid();
	uint32_t child = claim(slot);
	pid_t pid = fork_announced(child);
	if (pid == 0)
		work(shared, child, parent);
	shared[daemon_pid] = pid;
	_exit(0);
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	_Atomic uint32_t *shared = shared_words(words);
	uint32_t slot = claim(0);
	pid_t pid = fork_announced(slot);
	if (pid == 0)
		daemonize(shared, slot);
	must(reap(pid) == 0, "the session's leader");
	int pidfd = syscall(SYS_pidfd_open, (pid_t)shared[daemon_pid], 0);
	struct pollfd end = {.fd = pidfd, .events = POLLIN};
	must(end.fd >= 0, "pidfd_open");
	checkpoint(1);
	advance(&shared[is_orphan]);
	while (poll(&end, 1, -1) != 1)
		must(errno == EINTR, "poll");
	return 0;
}
