/*
 * For fixtures that look at tasks in /proc. The kernel tells only a parent of a stop, and no task
 * that another one is traced.
 */
#ifndef TIDCHECK_STOP_H
#define TIDCHECK_STOP_H

#include "fixture.h"
#include <dirent.h>
#include <time.h>

/* A task's state letter in proc(5); 0 if there is no such task. */
static inline char task_state(pid_t pid, pid_t tid)
{
	char name[64], text[256] = "";
	snprintf(name, sizeof name, "/proc/%d/task/%d/stat", pid, tid);
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t size = read(fd, text, sizeof text - 1); /* ESRCH: it has just ended */
	close(fd);
	char *end = size > 0 ? strrchr(text, ')') : NULL; /* the name before it may have one too */
	return end ? end[2] : 0;
}

/* The tid of a task's tracer; 0 if it is not traced, -1 if it is gone. This allocates nothing, so
 * that a vfork's child may call it. */
static inline pid_t tracer_of(pid_t pid, pid_t tid)
{
	char name[64], text[4096];
	snprintf(name, sizeof name, "/proc/%d/task/%d/status", pid, tid);
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ssize_t size = read(fd, text, sizeof text - 1);
	close(fd);
	text[size > 0 ? size : 0] = 0;
	const char field[] = "\nTracerPid:\t", *at = strstr(text, field);
	return at ? atoi(at + strlen(field)) : -1;
}

/* Tells whether a task is traced or gone. */
static inline int is_traced(pid_t pid, pid_t tid)
{
	return tracer_of(pid, tid) != 0;
}

/* Tells whether each task of a process is in one of these states. */
static inline int all_in(pid_t pid, const char *states)
{
	char name[64];
	snprintf(name, sizeof name, "/proc/%d/task", pid);
	DIR *tasks = opendir(name);
	must(tasks != NULL, name);
	int all = 1;
	for (struct dirent *task; all && (task = readdir(tasks));) {
		char state = task->d_name[0] == '.' ? states[0] : task_state(pid, atoi(task->d_name));
		all = state && strchr(states, state);
	}
	closedir(tasks);
	return all;
}

static inline int64_t microseconds(void)
{
	struct timespec now;
	must(!clock_gettime(CLOCK_MONOTONIC, &now), "clock_gettime");
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

/*
 * Waits until all tasks of a process are stopped, or until the word, which they change when they go
 * on, is no longer now. One look does not suffice: it may fall into a tracer's own stop. So all
 * must be stopped in every look for 5 ms, and in at least 20 looks: where a tracer stops the
 * caller at each system call, few looks fit in that time.
 */
static inline void await_stop(pid_t pid, _Atomic uint32_t *word, uint32_t now)
{
	int64_t since = 0;
	for (int looks = 0; *word == now && (looks < 20 || microseconds() - since < 5000);) {
		if (!all_in(pid, "Tt"))
			looks = 0;
		else if (looks++ == 0)
			since = microseconds();
		sched_yield();
	}
}

#endif
