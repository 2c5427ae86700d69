/*
 * New processes, and new programs.
 */
#ifndef TIDCHECK_PROCESS_H
#define TIDCHECK_PROCESS_H

#include "fixture.h"
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* Words, all 0, that a process shares with those that it makes. */
static inline _Atomic uint32_t *shared_words(size_t count)
{
	void *words = mmap(NULL, count * sizeof(uint32_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(words != MAP_FAILED, "mmap");
	return words;
}

/* As fork(2); when it returns, in either process, the new one is announced in the slot that was claimed for it. */
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

/* As vfork(2); the new process, which shares our memory, says that it is there, and ends with 3 when it is told to. */
static inline pid_t vfork_held(uint32_t slot, _Atomic uint32_t *there, _Atomic uint32_t *told)
{
	pid_t pid = vfork();
	if (pid == 0) {
		announce(slot);
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* should we be killed, nobody tells it */
		advance(there);
		await(told, 1);
		_exit(3);
	}
	must(pid > 0, "vfork");
	return pid;
}

/* Waits for the end of a child process, which is its own; returns its exit code. */
static inline int reap(pid_t pid)
{
	int status;
	pid_t got;
	while ((got = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
		;
	must(got == pid && WIFEXITED(status), "waitpid");
	return WEXITSTATUS(status);
}

/* The task of a slot executes this program again, whose main begins anew with main_slot and execs set. */
static inline void exec_again(uint32_t slot)
{
	extern char **environ;
	char self[64];
	int n = 0, kept = 1;
	while (environ[n])
		n++;
	char **env = calloc(n + 2, sizeof *env); /* setenv would be seen by a thread that does the same */
	must(env != NULL, "calloc");
	snprintf(self, sizeof self, "TIDCHECK_EXEC=%u %u", slot, execs + 1);
	env[0] = self;
	for (char **e = environ; *e; e++)
		if (strncmp(*e, self, strlen("TIDCHECK_EXEC=")))
			env[kept++] = *e;
	execve("/proc/thread-self/exe", arguments - 1, env); /* a leader that has ended has no exe in /proc */
	must(0, "execve");
}

#endif
