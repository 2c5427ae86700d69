/*
 * Main ends by itself on the way from checkpoint 1; a thread comes to checkpoint 2.
 *
 * want: main: clone main/1, exit 7
 * want: main/1: exit 7
 * modes: launch stepped killed
 */
#include "fixture.h"

static void *thread(void *slot)
{
	announce((uintptr_t)slot);
	await_end(0);
	checkpoint(2);
	syscall(SYS_exit, 7);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	clear_at_end(0);
	make_thread(thread, 0);
	checkpoint(1);
	syscall(SYS_exit, 7);
}
