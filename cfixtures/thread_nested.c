/*
 * Makes threads that make threads, d deep and m wide; each waits for those it made.
 *
 * Checkpoint 1 is when main has joined its first thread and is about to make its last, while the
 * others are at work.
 *
 * param: d=3 m=4
 * want: main/1..m^0..d-1: clone ./1..m, exit 0
 * want: main/1..m^d: exit 0
 * modes: launch attach_before attach_during detach_during stops
 * set: quick
 */
#include "fixture.h"

static long deep, wide;

struct task {
	uint32_t slot;
	long depth;
};

static void *thread(void *arg);

/* Makes the threads of one task, and waits for them. */
static void make_threads(struct task self)
{
	if (self.depth == deep)
		return;
	pthread_t *threads = calloc(wide, sizeof *threads);
	struct task *tasks = calloc(wide, sizeof *tasks);
	must(threads && tasks, "calloc");
	long joined = 0;
	for (long i = 0; i < wide; i++) {
		if (self.depth == 0 && i == wide - 1) {
			if (i > 0)
				must(!pthread_join(threads[joined++], NULL), "pthread_join");
			checkpoint(1);
		}
		tasks[i] = (struct task){claim(self.slot), self.depth + 1};
		must(!pthread_create(&threads[i], NULL, thread, &tasks[i]), "pthread_create");
	}
	for (; joined < wide; joined++)
		must(!pthread_join(threads[joined], NULL), "pthread_join");
	free(threads);
	free(tasks);
}

static void *thread(void *arg)
{
	struct task self = *(struct task *)arg;
	announce(self.slot);
	make_threads(self);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	deep = param("d", "3");
	wide = param("m", "4");
	make_threads((struct task){0, 0});
	return 0;
}
