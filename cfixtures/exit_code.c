/*
 * Four threads end by exit(2), one after the other, each with a code of its own; main ends with 3.
 *
 * The kernel keeps the low eight bits of a code. Checkpoint 1 is half way.
 *
 * want: main: clone main/1..4, exit 3
 * want: main/1: exit 0
 * want: main/2: exit 1
 * want: main/3: exit 255
 * want: main/4: exit 42
 * modes: launch attach_before attach_during detach_during stops
 */
#include "fixture.h"

static const int codes[] = {0, 1, 255, 256 + 42};

static void *thread(void *arg)
{
	uint32_t slot = (uintptr_t)arg;
	clear_at_end(slot);
	announce(slot);
	printf("thread: %ld, exit(%d)\n", syscall(SYS_gettid), codes[slot - 1]);
	syscall(SYS_exit, codes[slot - 1]);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	for (uint32_t slot = 1; slot <= 4; slot++) {
		if (slot == 3)
			checkpoint(1);
		make_thread(thread, 0);
		await_end(slot);
	}
	return 3;
}
