/*
 * A thread executes the program while k others make threads without pause.
 *
 * It does when there were some births; a maker tries most times. While the exec is on its way births fail with
 * EAGAIN (copy_fs in kernel/fork.c), and who was born before dies in it.
 *
 * param: k=4 some=40 most=1000
 * want: main: clone main/1..k+1, exit 0
 * want: main/1..k: exit 0
 * want: main/k+1: exec, exit 3
 * want: *: at least some clone *, at least some exit 0
 */
#include "process.h"

static _Atomic uint32_t births;

static void *newborn(void *slot)
{
	announce((uintptr_t)slot);
	return NULL;
}

static void *maker(void *slot)
{
	announce((uintptr_t)slot);
	for (long most = param("most", "1000"); most > 0; most--) {
		pthread_t id;
		int failure = pthread_create(&id, NULL, newborn, (void *)(uintptr_t)claim((uintptr_t)slot));
		if (failure == EAGAIN)
			continue;
		must(!failure && !pthread_join(id, NULL), "pthread_create, pthread_join");
		births++;
		syscall(SYS_futex, &births, FUTEX_WAKE, 1, NULL, NULL, 0);
	}
	park();
	return NULL;
}

static void *executor(void *slot)
{
	announce((uintptr_t)slot);
	for (uint32_t now, some = param("some", "40"); (now = births) < some;)
		syscall(SYS_futex, &births, FUTEX_WAIT, now, NULL, NULL, 0);
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
