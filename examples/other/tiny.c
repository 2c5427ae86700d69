/*
 * A debugger in another language, as small as can be: it follows every thread and process of a program and prints
 * a JSON object an event, which is all that tidcheck asks of it.
 *
 *	tiny launch -- PROGRAM ARG...
 *	tiny attach PID
 *
 *	cc -o tiny tiny.c && tidcheck run --command ./tiny
 *
 * SIGTERM, by which tidcheck tells it to let go, has it stop each task that can stop, and let go of it there: what happened
 * before is told by then. To end at once would leave untold what the kernel has queued.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum { tids = 1 << 22 }; /* the kernel's largest pid_max */
enum { options = PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT };

static int group[tids];   /* each task's process; 0: it is not traced, or not known yet */
static char parked[tids]; /* it stopped before its creator's event told of it */
static int highest;       /* of all that have had a group */
static volatile sig_atomic_t leaving;

static void must(int ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "tiny: %s: %s\n", what, strerror(errno));
		exit(2);
	}
}

static int tgid(int tid)
{
	char name[64], line[128];
	int id = 0;
	snprintf(name, sizeof name, "/proc/%d/status", tid);
	FILE *status = fopen(name, "r");
	while (status && !id && fgets(line, sizeof line, status))
		sscanf(line, "Tgid: %d", &id);
	if (status)
		fclose(status);
	return id;
}

static void join(int tid, int process)
{
	group[tid] = process;
	if (tid > highest)
		highest = tid;
}

/* SIGTERM's. Who is born later stops by itself. */
static void leave(int signal)
{
	int was = errno;
	(void)signal;
	leaving = 1;
	for (int tid = 1; tid <= highest; tid++)
		if (group[tid])
			ptrace(PTRACE_INTERRUPT, tid, 0, 0);
	errno = was;
}

/* A leader that has ended before its threads stops no more, nor does a task in vfork before its child is done. */
static int can_stop(int tid)
{
	char name[64], state = 0;
	snprintf(name, sizeof name, "/proc/%d/stat", tid);
	FILE *stat = fopen(name, "r");
	if (stat && fscanf(stat, "%*[^)]) %c", &state) != 1) /* a program's name that has a ) gives another letter */
		state = 0;
	if (stat)
		fclose(stat);
	return state && !strchr("DXZ", state);
}

static int anyone_can_stop(void)
{
	for (int tid = 1; tid <= highest; tid++)
		if (group[tid] && can_stop(tid))
			return 1;
	return 0;
}

static void ended(const char *kind, int tid, int status)
{
	printf("{\"kind\":\"%s\",\"pid\":%d,\"tid\":%d,", kind, group[tid], tid);
	if (WIFSIGNALED(status))
		printf("\"signal\":\"SIG%s\"}\n", sigabbrev_np(WTERMSIG(status)));
	else
		printf("\"status\":%d}\n", WEXITSTATUS(status));
}

/* ESRCH: SIGKILL, or another thread's exec, has taken it out of its stop; its end comes. */
static void go_on(int tid, int signal)
{
	int leaves = leaving;
	must(!ptrace(leaves ? PTRACE_DETACH : PTRACE_CONT, tid, 0, (long)signal) || errno == ESRCH, leaves ? "PTRACE_DETACH" : "PTRACE_CONT");
	if (leaves)
		group[tid] = 0;
}

static void born(int creator)
{
	unsigned long child;
	if (ptrace(PTRACE_GETEVENTMSG, creator, 0, &child))
		return; /* it was killed at its event */
	int process = tgid(child);
	int thread = process == group[creator]; /* the event's kind does not tell a thread from a process */
	join(child, thread ? process : (int)child);
	printf("{\"kind\":\"%s\",\"pid\":%d,\"tid\":%d,\"child\":%lu}\n", thread ? "clone" : "fork", group[creator], creator, child);
	if (parked[child])
		go_on(child, 0);
	parked[child] = 0;
}

/* A task that executes a program has its process's id from then on, and the event's message is the one that it had. */
static void executed(int pid)
{
	unsigned long former;
	if (ptrace(PTRACE_GETEVENTMSG, pid, 0, &former))
		return; /* it was killed at its event */
	group[former] = 0;
	join(pid, pid);
	printf("{\"kind\":\"exec\",\"pid\":%d,\"tid\":%d,\"former\":%lu}\n", pid, pid, former);
}

/* Takes one stop or end, and lets the task go on that it was of. */
static void handle(int tid, int status)
{
	unsigned long how;
	int signal = 0;
	if (!WIFSTOPPED(status)) {
		if (group[tid] == tid)
			ended("end", tid, status); /* a leader's wait status is its process's */
		group[tid] = 0;
		return;
	}
	switch (status >> 16) {
	case PTRACE_EVENT_CLONE:
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
		born(tid);
		break;
	case PTRACE_EVENT_EXIT:
		if (!ptrace(PTRACE_GETEVENTMSG, tid, 0, &how))
			ended("exit", tid, how);
		break;
	case PTRACE_EVENT_EXEC:
		executed(tid);
		break;
	case PTRACE_EVENT_STOP:
		if (!group[tid]) { /* the newcomer was faster than its creator */
			parked[tid] = 1;
			return;
		}
		break;
	case 0:
		signal = WSTOPSIG(status);
	}
	go_on(tid, signal);
}

static void launch(char **argv)
{
	int gate[2], pid, status;
	must(!pipe(gate), "pipe");
	must((pid = fork()) >= 0, "fork");
	if (pid == 0) {
		char byte;
		close(gate[1]);
		if (read(gate[0], &byte, 1) != 1)
			_exit(2);
		execv(argv[0], argv);
		must(0, argv[0]);
	}
	must(!ptrace(PTRACE_SEIZE, pid, 0, options | PTRACE_O_EXITKILL), "PTRACE_SEIZE");
	must(write(gate[1], "", 1) == 1, "write");
	join(pid, pid);
	do {
		must(waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status), argv[0]);
		if (status >> 16 != PTRACE_EVENT_EXEC)
			go_on(pid, 0);
	} while (status >> 16 != PTRACE_EVENT_EXEC);
	printf("{\"kind\":\"ready\",\"pid\":%d,\"tid\":%d}\n", pid, pid);
	go_on(pid, 0);
}

/* Seizes every thread, again until a look at /proc shows none that is new: one may have made another behind our back. */
static void attach(int pid)
{
	char name[64];
	int tid, fresh;
	snprintf(name, sizeof name, "/proc/%d/task", pid);
	do {
		DIR *dir = opendir(name);
		must(dir != NULL, name);
		fresh = 0;
		for (struct dirent *entry; (entry = readdir(dir));) {
			if (!(tid = atoi(entry->d_name)) || group[tid])
				continue;
			if (ptrace(PTRACE_SEIZE, tid, 0, options)) {
				must(errno == ESRCH || errno == EPERM, "PTRACE_SEIZE"); /* it is gone, or ours by its birth */
				continue;
			}
			fresh++;
			join(tid, pid);
			printf("{\"kind\":\"attach\",\"pid\":%d,\"tid\":%d}\n", pid, tid);
		}
		closedir(dir);
	} while (fresh);
	must(highest, "it cannot be traced"); /* its leader alone may be: that has ended before the others */
	printf("{\"kind\":\"ready\",\"pid\":%d,\"tid\":%d}\n", pid, pid);
}

int main(int argc, char **argv)
{
	int status, tid;
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("{\"kind\":\"hello\",\"name\":\"tiny\",\"version\":\"1\",\"fields\":[\"births\",\"creators\",\"deaths\",\"statuses\",\"execs\"]}\n");
	if (argc > 3 && !strcmp(argv[1], "launch"))
		launch(argv + 3);
	else if (argc == 3 && !strcmp(argv[1], "attach"))
		attach(atoi(argv[2]));
	else
		must(0, "usage: tiny launch -- PROGRAM ARG..., or tiny attach PID");
	sigaction(SIGTERM, &(struct sigaction){.sa_handler = leave}, NULL); /* before, it ends by it: nothing is told that could be missed */
	while (!leaving || anyone_can_stop()) { /* who is left is let go of by the kernel, at our end */
		if ((tid = waitpid(-1, &status, __WALL)) > 0)
			handle(tid, status);
		else if (errno == ECHILD)
			break;
		else
			must(errno == EINTR, "waitpid");
	}
	return 0;
}
