/*
 * Makes n threads by clone3, which a debugger misses that watches for the system call clone alone.
 *
 * Checkpoint 1 is half way.
 *
 * param: n=4
 * want: main: clone main/1..n, exit 0
 * want: main/1..n: exit 0
 * needs: linux>=5.3
 * modes: launch attach_before attach_during detach_during stops
 */
#include "fixture.h"

enum { stack_size = 16384 };

static int run(void *arg)
{
	_Atomic int *seen = arg;
	*seen = 1;
	return 0;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	long n = param("n", "4");
	for (long i = 0; i < n; i++) {
		_Atomic int seen = 0;
		if (i == n / 2)
			checkpoint(1);
		uint32_t slot = claim(0);
		must(slot < ledger->capacity, "the ledger is full");
		struct slot *s = &ledger->slots[slot];
		char *top = raw_stack(stack_size, run, &seen);
		struct clone_args args = {
			.flags = raw_thread | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID,
			.parent_tid = (uintptr_t)&s->tid,
			.child_tid = (uintptr_t)&s->alive,
			.stack = (uintptr_t)top - stack_size / 2,
			.stack_size = stack_size / 2,
		};
		s->alive = 1;
		s->pid = getpid();
		must(raw_clone(SYS_clone3, (long)&args, sizeof args, 0, 0, 0) > 0, "clone3");
		await_end(slot);
		printf("process: %d, thread: %u, it ran: %d\n", getpid(), s->tid, seen);
	}
	return 0;
}
