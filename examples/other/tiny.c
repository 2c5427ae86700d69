/*
 * A very small debugger in C. It follows all threads and processes of a program and prints a JSON
 * object for each event, which is all that tidcheck needs.
 *
 *	tiny launch -- PROGRAM ARG...
 *	tiny attach PID
 *
 *	cc -o tiny tiny.c && tidcheck run --command ./tiny
 *
 * tidcheck sends SIGTERM to make it detach. It then stops each task that can stop, and detaches
 * from the task at that stop, when all earlier events have been printed. If it ended at once,
 * events that the kernel has queued would be lost.
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

enum {
	max_tids = 1 << 22, /* the kernel's largest pid_max */
	options = PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC |
		  PTRACE_O_TRACEEXIT
};

static int group[max_tids];           /* each task's process; 0: not traced, or not known yet */
static char parked[max_tids];         /* the task stopped before its creator's event came */
static int highest;                   /* the highest tid that has had a group */
static volatile sig_atomic_t leaving; /* SIGTERM has come */

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

static void set_group(int tid, int process)
{
	group[tid] = process;
	if (tid > highest)
		highest = tid;
}

/* Handles SIGTERM: stops all tasks. A task that is born later stops at its birth. */
static void leave(int signal)
{
	int saved = errno;
	(void)signal;
	leaving = 1;
	for (int tid = 1; tid <= highest; tid++)
		if (group[tid])
			ptrace(PTRACE_INTERRUPT, tid, 0, 0);
	errno = saved;
}

/* A leader that has ended before its threads cannot stop, nor can a task in vfork before its child
 * ends or executes a program. */
static int can_stop(int tid)
{
	char name[64], state = 0;
	snprintf(name, sizeof name, "/proc/%d/stat", tid);
	FILE *stat = fopen(name, "r");
	/* A program whose name has a ) gives a wrong letter here. */
	if (stat && fscanf(stat, "%*[^)]) %c", &state) != 1)
		state = 0;
	if (stat)
		fclose(stat);
	return state && !strchr("DXZ", state);
}

static int any_can_stop(void)
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

/* Resumes a stopped task, or detaches from it. ESRCH: SIGKILL or another thread's exec ended its
 * stop, and its end comes next. */
static void resume(int tid, int signal)
{
	int is_last = leaving;
	long failed = ptrace(is_last ? PTRACE_DETACH : PTRACE_CONT, tid, 0, (long)signal);
	must(!failed || errno == ESRCH, is_last ? "PTRACE_DETACH" : "PTRACE_CONT");
	if (is_last)
		group[tid] = 0;
}

static void born(int creator)
{
	unsigned long child;
	if (ptrace(PTRACE_GETEVENTMSG, creator, 0, &child))
		return; /* the creator was killed at its event */
	int process = tgid(child);
	/* The event's kind does not tell a thread from a process. */
	int is_thread = process == group[creator];
	set_group(child, is_thread ? process : (int)child);
	printf("{\"kind\":\"%s\",\"pid\":%d,\"tid\":%d,\"child\":%lu}\n",
	       is_thread ? "clone" : "fork", group[creator], creator, child);
	if (parked[child])
		resume(child, 0);
	parked[child] = 0;
}

/* A task that executes a program has its process's id afterwards. The event's message is its former
 * tid. */
static void executed(int pid)
{
	unsigned long former;
	if (ptrace(PTRACE_GETEVENTMSG, pid, 0, &former))
		return; /* the task was killed at its event */
	group[former] = 0;
	set_group(pid, pid);
	printf("{\"kind\":\"exec\",\"pid\":%d,\"tid\":%d,\"former\":%lu}\n", pid, pid, former);
}

/* Handles one stop or end of a task. */
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
		if (!group[tid]) { /* the new task stopped before its creator's event */
			parked[tid] = 1;
			return;
		}
		break;
	case 0:
		signal = WSTOPSIG(status);
	}
	resume(tid, signal);
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
	set_group(pid, pid);
	do {
		must(waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status), argv[0]);
		if (status >> 16 != PTRACE_EVENT_EXEC)
			resume(pid, 0);
	} while (status >> 16 != PTRACE_EVENT_EXEC);
	printf("{\"kind\":\"ready\",\"pid\":%d,\"tid\":%d}\n", pid, pid);
	resume(pid, 0);
}

/* Attaches to every thread. It looks at /proc until a look finds no new thread: a thread that was
 * not attached to yet may have made another. */
static void attach(int pid)
{
	char name[64];
	int tid, found;
	snprintf(name, sizeof name, "/proc/%d/task", pid);
	do {
		DIR *dir = opendir(name);
		must(dir != NULL, name);
		found = 0;
		for (struct dirent *entry; (entry = readdir(dir));) {
			if (!(tid = atoi(entry->d_name)) || group[tid])
				continue;
			if (ptrace(PTRACE_SEIZE, tid, 0, options)) {
				/* The thread is gone, or traced from its birth. */
				must(errno == ESRCH || errno == EPERM, "PTRACE_SEIZE");
				continue;
			}
			found++;
			set_group(tid, pid);
			printf("{\"kind\":\"attach\",\"pid\":%d,\"tid\":%d}\n", pid, tid);
		}
		closedir(dir);
	} while (found);
	must(highest, "no thread can be attached to");
	printf("{\"kind\":\"ready\",\"pid\":%d,\"tid\":%d}\n", pid, pid);
}

int main(int argc, char **argv)
{
	int status, tid;
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("{\"kind\":\"hello\",\"name\":\"tiny\",\"version\":\"1\","
	       "\"fields\":[\"births\",\"creators\",\"deaths\",\"statuses\",\"execs\"]}\n");
	if (argc > 3 && !strcmp(argv[1], "launch"))
		launch(argv + 3);
	else if (argc == 3 && !strcmp(argv[1], "attach"))
		attach(atoi(argv[2]));
	else
		must(0, "usage: tiny launch -- PROGRAM ARG..., or tiny attach PID");
	/* Until now SIGTERM ended this program: no event could be lost. */
	struct sigaction action = {.sa_handler = leave};
	must(!sigaction(SIGTERM, &action, NULL), "sigaction");
	while (!leaving || any_can_stop()) { /* the kernel detaches from the others at the end */
		if ((tid = waitpid(-1, &status, __WALL)) > 0)
			handle(tid, status);
		else if (errno == ECHILD)
			break;
		else
			must(errno == EINTR, "waitpid");
	}
	return 0;
}
