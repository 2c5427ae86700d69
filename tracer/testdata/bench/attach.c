/*
 * "attach PID": attaches to every thread of a process that makes no more of them, as fast as
 * ptrace(2) can, for comparison; waits until all have stopped, each by its tid, and detaches.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t tids[1 << 15]; /* pid_max on most machines */
static int n;

static void must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(99);
	}
}

static void list(const char *pid)
{
	char name[64];
	struct dirent *entry;

	snprintf(name, sizeof(name), "/proc/%s/task", pid);
	DIR *dir = opendir(name);
	must(dir != NULL, name);
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.' && n < (int)(sizeof(tids) / sizeof(tids[0])))
			tids[n++] = atoi(entry->d_name);
	closedir(dir);
}

int main(int argc, char **argv)
{
	int status;

	if (argc != 2)
		return 99;
	list(argv[1]);
	for (int i = 0; i < n; i++) {
		must(ptrace(PTRACE_SEIZE, tids[i], NULL, NULL) == 0, "PTRACE_SEIZE");
		must(ptrace(PTRACE_INTERRUPT, tids[i], NULL, NULL) == 0, "PTRACE_INTERRUPT");
	}
	for (int i = 0; i < n; i++)
		must(waitpid(tids[i], &status, __WALL) == tids[i] && WIFSTOPPED(status), "waitpid");
	for (int i = 0; i < n; i++)
		must(ptrace(PTRACE_DETACH, tids[i], NULL, NULL) == 0, "PTRACE_DETACH");
	printf("%d threads\n", n);
	return 0;
}
