/*
 * Starts programs for the harness, and ends all of them when the harness is gone.
 *
 * Descriptor 3 is a SOCK_SEQPACKET socket. A packet from the harness starts a program. It holds
 * strings that end in 0: the number of arguments, the arguments, the directory and the environment.
 * With it come the program's three standard descriptors and its gate, a pipe. The program is
 * executed when a byte comes through the gate, and given up when the gate closes. It blocks and
 * ignores no signal, whatever the harness inherited.
 *
 * Packets to the harness say "started PID 0", "failed PID ERRNO" (of fork, where PID is -1, or of
 * exec) and "ended PID STATUS" (as wait(2) gives it).
 *
 * The keeper has one thread and does nothing until told, so that the kernel's account of tasks can
 * be opened on it before any task is born. It is a subreaper: when the socket closes, all that
 * descends from it becomes its child sooner or later, and is killed. Then the keeper removes the
 * folder that its argument names, if there is one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { harness = 3, stdio = 3, gate = 3, descriptors = 4, packet_size = 1 << 17 };

static void must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		_exit(99);
	}
}

static void tell(const char *what, int pid, int number)
{
	char text[64];
	int length = snprintf(text, sizeof text, "%s %d %d", what, pid, number);
	/* An error means that the harness is gone, which the next poll tells too. */
	(void)!send(harness, text, length, MSG_NOSIGNAL);
}

/* Reads the next string of a packet. */
static char *next(char **at, char *end)
{
	char *s = *at, *zero = s < end ? memchr(s, 0, end - s) : NULL;
	must(zero != NULL, "keeper: a packet is cut off");
	*at = zero + 1;
	return s;
}

/*
 * Gives every signal its default action. sigaction(3) refuses libc's own two signals, so the system
 * call is made; it refuses SIGKILL and SIGSTOP.
 */
static void ignore_none(void)
{
	static const char by_default[64]; /* larger than the kernel's struct sigaction */
	for (int sig = 1; sig <= 64; sig++)
		syscall(SYS_rt_sigaction, sig, by_default, NULL, 8);
}

/* In the new process: waits at the gate, then becomes the program. */
static void become(char *packet, char *end, const int *fds)
{
	sigset_t none;
	sigemptyset(&none);
	char *at = packet, byte;
	int count = atoi(next(&at, end));
	char **argv = calloc(count + 1, sizeof *argv), **env = calloc(end - packet + 1, sizeof *env);
	must(argv && env, "calloc");
	for (int i = 0; i < count; i++)
		argv[i] = next(&at, end);
	char *dir = next(&at, end);
	for (int i = 0; at < end; i++)
		env[i] = next(&at, end);
	for (int i = 0; i < stdio; i++)
		must(dup2(fds[i], i) == i, "dup2");
	must(!sigprocmask(SIG_SETMASK, &none, NULL), "sigprocmask");
	if (read(fds[gate], &byte, 1) != 1)
		_exit(0);
	if (!chdir(dir))
		execve(argv[0], argv, env);
	tell("failed", getpid(), errno);
	_exit(127);
}

static void start(void)
{
	static char packet[packet_size];
	union {
		char space[CMSG_SPACE(descriptors * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec data = {packet, sizeof packet};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control.space};
	message.msg_controllen = sizeof control.space;
	ssize_t size = recvmsg(harness, &message, MSG_CMSG_CLOEXEC);
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int fds[descriptors];
	must(size > 0 && !(message.msg_flags & MSG_TRUNC), "keeper: recvmsg");
	must(header && header->cmsg_len == CMSG_LEN(sizeof fds), "keeper: descriptors are missing");
	memcpy(fds, CMSG_DATA(header), sizeof fds);
	pid_t pid = fork();
	if (pid == 0) {
		must(!setpgid(0, 0), "setpgid");
		become(packet, packet + size, fds);
	}
	for (int i = 0; i < descriptors; i++)
		close(fds[i]);
	tell(pid < 0 ? "failed" : "started", pid, pid < 0 ? errno : 0);
}

/* Takes the status of one child that has ended; returns what waitpid(2) does. */
static int reap(void)
{
	int status, pid = waitpid(-1, &status, WNOHANG | __WALL);
	if (pid > 0)
		tell("ended", pid, status);
	return pid;
}

/* Kills the keeper's present children. Their children become the keeper's when they are gone. */
static void kill_children(void)
{
	char name[64];
	int pid;
	snprintf(name, sizeof name, "/proc/self/task/%d/children", getpid());
	FILE *children = fopen(name, "r");
	must(children != NULL, name);
	while (fscanf(children, "%d", &pid) == 1)
		kill(pid, SIGKILL);
	fclose(children);
}

static int removed(const char *path, const struct stat *what, int kind, struct FTW *where)
{
	(void)what, (void)kind, (void)where;
	return remove(path);
}

/*
 * Makes crashes leave no core. With a limit of 1 none is piped to a handler either (core(5),
 * do_coredump in fs/coredump.c). The hard limit is lowered too, since gdb raises the soft one at an
 * internal error of its own.
 */
static void forbid_cores(void)
{
	struct rlimit core;
	must(!getrlimit(RLIMIT_CORE, &core), "getrlimit(RLIMIT_CORE)");
	if (core.rlim_max > 1)
		core.rlim_max = 1;
	core.rlim_cur = core.rlim_max;
	must(!setrlimit(RLIMIT_CORE, &core), "setrlimit(RLIMIT_CORE)");
}

int main(int argc, char **argv)
{
	must(argc == 2, "keeper: a folder's name is missing");
	sigset_t child;
	ignore_none(); /* an ignored SIGCHLD would have the kernel reap our children */
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	must(!sigprocmask(SIG_SETMASK, &child, NULL), "sigprocmask");
	must(!prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl(PR_SET_CHILD_SUBREAPER)");
	forbid_cores();
	must(!fcntl(harness, F_SETFD, FD_CLOEXEC), "keeper: descriptor 3 is the harness's socket");
	int ended = signalfd(-1, &child, SFD_CLOEXEC);
	must(ended >= 0, "signalfd");
	struct pollfd events[] = {{harness, POLLIN, 0}, {ended, POLLIN, 0}};
	struct signalfd_siginfo info;
	for (;;) {
		if (poll(events, 2, -1) < 0) {
			must(errno == EINTR, "poll");
			continue;
		}
		if (events[1].revents & POLLIN) {
			must(read(ended, &info, sizeof info) == sizeof info, "read(signalfd)");
			while (reap() > 0)
				;
		}
		if (events[0].revents & POLLIN && recv(harness, &info, 1, MSG_PEEK) > 0)
			start();
		else if (events[0].revents)
			break;
	}
	for (int left = 1; left >= 0;) {
		kill_children();
		while ((left = reap()) > 0)
			;
		if (left == 0)
			poll(NULL, 0, 10); // sleep: nothing tells when orphans become the keeper's
	}
	must(!nftw(argv[1], removed, 16, FTW_DEPTH | FTW_PHYS) || errno == ENOENT, argv[1]);
	return 0;
}
