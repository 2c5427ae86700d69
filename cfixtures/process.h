/*
 * For fixtures that make processes or execute programs.
 */
#ifndef TIDCHECK_PROCESS_H
#define TIDCHECK_PROCESS_H

#include "fixture.h"
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* Words, all 0, that a process shares with the processes that it makes later. */
static inline _Atomic uint32_t *shared_words(size_t count)
{
	void *words = mmap(NULL, count * sizeof(uint32_t), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(words != MAP_FAILED, "mmap");
	return words;
}

/* As fork(2). When it returns, in either process, the new process is announced in the slot that was
 * claimed for it. */
static inline pid_t fork_announced(uint32_t slot)
{
	pid_t pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0)
		announce(slot);
	else
		announce_other(slot, pid, pid);
	return pid;
}

/* As vfork(2). The new process, which shares its creator's memory, advances there and ends with 3
 * when told is advanced. */
static inline pid_t vfork_held(uint32_t slot, _Atomic uint32_t *there, _Atomic uint32_t *told)
{
	pid_t pid = vfork();
	if (pid == 0) {
		announce(slot);
		/* If the creator is killed, told stays 0. */
		must(!prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
		advance(there);
		await(told, 1);
		_exit(3);
	}
	must(pid > 0, "vfork");
	return pid;
}

/* Waits for the end of a child process, which must exit; returns its exit code. */
static inline int reap(pid_t pid)
{
	int status;
	pid_t got;
	while ((got = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
		;
	must(got == pid && WIFEXITED(status), "waitpid");
	return WEXITSTATUS(status);
}

/* The environment of a program that the task in a slot executes. */
static inline char **exec_environment(uint32_t slot)
{
	extern char **environ;
	char *self = malloc(64);
	int n = 0, kept = 1;
	while (environ[n])
		n++;
	char **env = calloc(n + 2, sizeof *env); /* not setenv: other threads may execute too */
	must(self && env, "calloc");
	snprintf(self, 64, "TIDCHECK_EXEC=%u %u", slot, execs + 1);
	env[0] = self;
	for (char **e = environ; *e; e++)
		if (strncmp(*e, self, strlen("TIDCHECK_EXEC=")))
			env[kept++] = *e;
	return env;
}

/* Executes this program again, by the task in a slot. Main begins anew, with main_slot and execs
 * set. Does not return. */
static inline void exec_again(uint32_t slot)
{
	/* Not /proc/self: a leader that has ended has no exe there. */
	execve("/proc/thread-self/exe", arguments - 1, exec_environment(slot));
	must(0, "execve");
}

/* As exec_again; executes the image in an open file, which is another build of this program, a copy
 * of it, or a program that needs no ledger. */
static inline void exec_image(int image, char **argv, uint32_t slot)
{
	char path[40];
	/* Debian 11's kernel gives ENOENT for execveat(2) with an empty path. */
	snprintf(path, sizeof path, "/proc/thread-self/fd/%d", image);
	execve(path, argv, exec_environment(slot));
	must(0, "execve");
}

#endif
