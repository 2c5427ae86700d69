/*
 * A cgroup (version 2) whose tasks can be frozen. A run that is killed leaves its cgroup, which is
 * empty then; the next run in its pid namespace removes it.
 */
#ifndef TIDCHECK_FREEZER_H
#define TIDCHECK_FREEZER_H

#include "fixture.h"
#include <dirent.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

static char home_group[PATH_MAX], frozen_group[PATH_MAX + 64];

/* Copies what the first line of a file that matches the format has in place of %s. */
static inline void find_in(const char *name, const char *format, char *found)
{
	char line[PATH_MAX];
	int matches = 0;
	FILE *file = fopen(name, "r");
	must(file != NULL, name);
	while (!matches && fgets(line, sizeof line, file)) {
		int whole = 0;
		sscanf(line, format, found, &whole);
		matches = whole > 0;
	}
	must(matches && !fclose(file), name);
}

static inline void put_number(const char *group, const char *file, int number)
{
	char name[PATH_MAX + 128], text[16];
	snprintf(name, sizeof name, "%s/%s", group, file);
	int length = snprintf(text, sizeof text, "%d", number), fd = open(name, O_WRONLY | O_CLOEXEC);
	must(fd >= 0 && write(fd, text, length) == length && !close(fd), name);
}

/* The inode of our pid namespace: its tasks alone can tell whether one of its ids is in use. */
static inline unsigned long pid_namespace(void)
{
	struct stat ns;
	must(!stat("/proc/self/ns/pid", &ns), "/proc/self/ns/pid");
	return ns.st_ino;
}

static inline void remove_old_groups(void)
{
	unsigned long own = pid_namespace();
	DIR *groups = opendir(home_group);
	must(groups != NULL, home_group);
	for (struct dirent *group; (group = readdir(groups));) {
		unsigned long ns;
		int maker;
		if (sscanf(group->d_name, "tidcheck-frozen-%lu-%d", &ns, &maker) == 2 && ns == own &&
		    kill(maker, 0) && errno == ESRCH)
			unlinkat(dirfd(groups), group->d_name, AT_REMOVEDIR); /* it may be gone */
	}
	closedir(groups);
}

/* Moves a process to a new cgroup below the caller's, and waits until all its tasks are frozen. */
static inline void freeze(pid_t pid)
{
	char mounted[PATH_MAX] = "", own[PATH_MAX] = "", state[8];
	find_in("/proc/self/mounts", "%*s %2000s cgroup2 %n", mounted);
	find_in("/proc/self/cgroup", "0::%2000s%n", own);
	must(snprintf(home_group, sizeof home_group, "%s%s", mounted, own) < PATH_MAX, own);
	remove_old_groups();
	snprintf(frozen_group, sizeof frozen_group, "%s/tidcheck-frozen-%lu-%d", home_group,
		 pid_namespace(), getpid());
	must(!mkdir(frozen_group, 0755), frozen_group);
	put_number(frozen_group, "cgroup.procs", pid);
	put_number(frozen_group, "cgroup.freeze", 1);
	char events[PATH_MAX + 128];
	snprintf(events, sizeof events, "%s/cgroup.events", frozen_group);
	for (*state = '0'; *state == '0'; poll(NULL, 0, 1)) // sleep: a moment, as a rule none
		find_in(events, "frozen %1s%n", state);
}

/* Lets a frozen process go on, in the caller's cgroup. */
static inline void thaw(pid_t pid)
{
	put_number(frozen_group, "cgroup.freeze", 0);
	put_number(home_group, "cgroup.procs", pid);
	must(!rmdir(frozen_group), frozen_group);
}

#endif
