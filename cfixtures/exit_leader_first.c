/*
 * Main alone ends while its n threads live on; they end when it has ended.
 *
 * The process ends with its last thread. Checkpoint 1 is when main has ended; one more thread comes
 * and goes after it.
 *
 * param: n=4
 * want: main: clone main/1..n, exit 0
 * want: main/1: clone ./1, exit 0
 * want: main/2..n: exit 0
 * want: main/1/1: exit 0
 * modes: launch attach_before attach_during detach_during stops
 * set: quick
 * alone: its process ends with the last of its threads, and a host's would live on
 */
#include "fixture.h"

static void *thread(void *slot)
{
	announce((uintptr_t)slot);
	await_end(0);
	if ((uintptr_t)slot == 1) {
		checkpoint(1);
		one_thread((uintptr_t)slot);
	}
	printf("thread: %ld, main has ended\n", syscall(SYS_gettid));
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	clear_at_end(0);
	for (long n = param("n", "4"); n > 0; n--)
		make_thread(thread, 0);
	syscall(SYS_exit, 0);
}
