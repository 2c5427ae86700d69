/*
 * Main and its n threads are frozen by a cgroup's freezer when a child process comes to the gate,
 * where a debugger attaches.
 *
 * A frozen task takes no signal, so the SIGSTOP of PTRACE_ATTACH stays pending; PTRACE_INTERRUPT
 * stops the task all the same (do_freezer_trap in kernel/signal.c). The child process thaws the
 * tasks 300 ms after it has seen that one is traced, or when the gate is open. Until then a
 * debugger may have to wait; it is told of nothing else. Main makes a thread before checkpoint 1,
 * and one after.
 *
 * param: n=3
 * want: main: clone main/1..n, fork main/n+1, clone main/n+2..n+3, exit 0
 * want: main/1..n: exit 0
 * want: main/n+1..n+3: exit 0
 * needs: freezer
 * modes: launch attach_before detach_during
 */
#include "freezer.h"
#include "process.h"
#include "stop.h"

static _Atomic uint32_t over;

static void *thread(void *slot)
{
	announce((uintptr_t)slot);
	await(&over, 1);
	return NULL;
}

/* Tells whether a debugger has come. It may begin with the lowest tid. That is not main's if the
 * kernel's count of ids has wrapped since main was born. */
static int any_traced(pid_t pid)
{
	char name[64];
	snprintf(name, sizeof name, "/proc/%d/task", pid);
	DIR *tasks = opendir(name);
	must(tasks != NULL, name);
	int any = 0;
	for (struct dirent *task; !any && (task = readdir(tasks));)
		any = task->d_name[0] != '.' && is_traced(pid, atoi(task->d_name));
	closedir(tasks);
	return any;
}

/* The child process. */
static void hold(pid_t parent)
{
	must(!prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
	freeze(parent);
	int launched = any_traced(parent);
	reach(0);
	while (ledger->open < 1 && (launched || !any_traced(parent)))
		poll(NULL, 0, 1); // sleep: nothing tells when a debugger attaches
	if (!launched && ledger->open < 1)
		poll(NULL, 0, 300); // sleep: while it attaches
	thaw(parent);
	await(&ledger->open, 1);
	_exit(0);
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_open(argv);
	long n = param("n", "3");
	pthread_t *ids = calloc(n, sizeof *ids);
	must(ids != NULL, "calloc");
	for (long i = 0; i < n; i++)
		ids[i] = make_thread(thread, 0);
	pid_t self = getpid(), child = fork_announced(claim(0));
	if (child == 0)
		hold(self);
	must(reap(child) == 0, "the child process");
	one_thread(0);
	checkpoint(1);
	one_thread(0);
	advance(&over);
	for (long i = 0; i < n; i++)
		must(!pthread_join(ids[i], NULL), "pthread_join");
	free(ids);
	return 0;
}
