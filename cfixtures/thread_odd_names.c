/*
 * Main and six threads have names that look like other fields of /proc/PID/stat and status; each of
 * these threads makes one more, which has its creator's name.
 *
 * A name has up to 15 bytes, with brackets, blanks and newlines. A reader that takes the first ")"
 * for the name's end, or a line of the name for one of the file's, finds a wrong state or tracer.
 * The first threads have their names before the gate, and make the others after it. At checkpoint 1
 * all live; main makes a thread before it, and one after.
 *
 * want: main: clone main/1..8, exit 0
 * want: main/1..6: clone ./1, exit 0
 * want: main/1..6/1: exit 0
 * want: main/7..8: exit 0
 * modes: launch attach_before attach_again attach_during detach_during orphaned stops
 */
#include "fixture.h"
#include <sys/prctl.h>

enum { threads = 6 };
static const char *const names[threads] = {
	") Z 0 0 0", "a) t 1 (b", "\nState:\tZ", "\nTracerPid:\t7", " ", "\\n)(%s",
};
static _Atomic uint32_t named, begin, born, over;

static void *second(void *slot)
{
	announce((uintptr_t)slot);
	advance(&born);
	await(&over, 1);
	return NULL;
}

static void *first(void *arg)
{
	uint32_t slot = (uintptr_t)arg;
	announce(slot);
	must(!prctl(PR_SET_NAME, names[named]), "PR_SET_NAME");
	advance(&named);
	await(&begin, 1);
	pthread_t id = start_thread(second, slot);
	must(!pthread_join(id, NULL), "pthread_join");
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_open(argv);
	must(!prctl(PR_SET_NAME, "main) T 0 (x"), "PR_SET_NAME");
	pthread_t ids[threads];
	for (uint32_t i = 0; i < threads; i++) {
		ids[i] = start_thread(first, 0);
		await(&named, i + 1);
	}
	checkpoint(0);
	advance(&begin);
	await(&born, threads);
	one_thread(0);
	checkpoint(1);
	one_thread(0);
	advance(&over);
	for (int i = 0; i < threads; i++)
		must(!pthread_join(ids[i], NULL), "pthread_join");
	return 0;
}
