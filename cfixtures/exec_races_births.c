/*
 * A thread executes the program anew while k others make threads without pause.
 *
 * The parameter some is the least number of births before it, and most bounds the tries of each
 * maker. While the exec is on its way births fail with EAGAIN (copy_fs in kernel/fork.c), and
 * threads that were born before die in it.
 *
 * param: k=4 some=40 most=1000
 * want: main: clone main/1..k+1, exit 0
 * want: main/1..k: exit 0
 * want: main/k+1: exec, exit 3
 * want: *: at least some clone *, at least some exit 0
 */
#include "process.h"

static _Atomic uint32_t births;

static void *maker(void *slot)
{
	announce((uintptr_t)slot);
	for (long most = param("most", "1000"); most > 0; most--) {
		pthread_t id;
		void *newborn = (void *)(uintptr_t)claim((uintptr_t)slot);
		int failure = pthread_create(&id, NULL, announce_only, newborn);
		if (failure == EAGAIN)
			continue;
		must(!failure && !pthread_join(id, NULL), "pthread_create, pthread_join");
		advance(&births);
	}
	park();
	return NULL;
}

static void *executor(void *slot)
{
	announce((uintptr_t)slot);
	await(&births, param("some", "40"));
	exec_again((uintptr_t)slot);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	printf("process: %d, program %u\n", getpid(), execs);
	if (execs)
		return 3;
	for (long k = param("k", "4"); k > 0; k--)
		make_thread(maker, 0);
	make_thread(executor, 0);
	park();
}
