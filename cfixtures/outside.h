/*
 * For fixtures that make tasks in a pid namespace of their own, where gettid gives other ids.
 */
#ifndef TIDCHECK_OUTSIDE_H
#define TIDCHECK_OUTSIDE_H

#include "fixture.h"

/* Announces the calling task by its ids in the namespace of the mounted /proc, and prints them. */
static inline void announce_outside(uint32_t slot)
{
	char text[64] = "";
	unsigned pid, tid;
	must(readlink("/proc/thread-self", text, sizeof text - 1) > 0, "/proc/thread-self");
	must(sscanf(text, "%u/task/%u", &pid, &tid) == 2, text);
	announce_other(slot, pid, tid);
	printf("process: %u, thread: %u, inside: %ld\n", pid, tid, syscall(SYS_gettid));
}

#endif
