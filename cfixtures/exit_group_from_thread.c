/*
 * The last of n threads ends the process with exit_group(42), while main and the others wait.
 *
 * Every task ends with 42. Checkpoint 1 is just before. One more thread comes and goes before the
 * checkpoint, and one after.
 *
 * param: n=4
 * want: main: clone main/1..n, exit 42
 * want: main/1..n-1: exit 42
 * want: main/n: clone ./1..2, exit 42
 * want: main/n/1..2: exit 0
 * modes: launch attach_before attach_during detach_during stops
 */
#include "fixture.h"

static pthread_barrier_t both;

static void *thread(void *slot)
{
	announce((uintptr_t)slot);
	pthread_barrier_wait(&both); /* main's last clone has returned */
	one_thread((uintptr_t)slot);
	checkpoint(1);
	one_thread((uintptr_t)slot);
	printf("thread: %ld, exit_group(42)\n", syscall(SYS_gettid));
	syscall(SYS_exit_group, 42);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	for (long n = param("n", "4"); n > 1; n--)
		make_thread(parked_thread, 0);
	must(!pthread_barrier_init(&both, NULL, 2), "pthread_barrier_init");
	make_thread(thread, 0);
	pthread_barrier_wait(&both);
	park();
}
