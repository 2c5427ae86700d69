/*
 * The kernel kills each of n threads alone, by SIGSYS, and their process and their own threads live
 * on.
 *
 * A seccomp filter of the thread's own does it (SECCOMP_RET_KILL_THREAD). The wait status reads
 * "killed by SIGSYS", as for a signal that ends a whole process, and no other task ends. Each
 * thread makes another before, which lives until main has seen all the deaths. Checkpoint 1 is half
 * way.
 *
 * param: n=3
 * want: main: clone main/1..n, exit 0
 * want: main/1..n: clone ./1, killed SIGSYS
 * want: main/1..n/1: exit 0
 * modes: launch attach_before attach_during detach_during stops
 */
#include "filter.h"

static _Atomic uint32_t over;
static pthread_t left_behind;

static void *survivor(void *slot)
{
	announce((uintptr_t)slot);
	await(&over, 1);
	return NULL;
}

static void *victim(void *arg)
{
	uint32_t slot = (uintptr_t)arg;
	clear_at_end(slot);
	left_behind = make_thread(survivor, slot);
	filter_call(SYS_getppid, SECCOMP_RET_KILL_THREAD);
	announce(slot);
	syscall(SYS_getppid);
	must(0, "the filter did not kill the thread");
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	long n = param("n", "3");
	pthread_t *survivors = calloc(n, sizeof *survivors);
	must(survivors != NULL, "calloc");
	for (long i = 0; i < n; i++) {
		if (i == n / 2)
			checkpoint(1);
		uint32_t slot = claim(0);
		start_in(slot, victim);
		await(&slot_at(slot)->tid, 1);
		await_end(slot);
		survivors[i] = left_behind;
		printf("process: %d, victims: %ld\n", getpid(), i + 1);
	}
	advance(&over);
	for (long i = 0; i < n; i++)
		must(!pthread_join(survivors[i], NULL), "pthread_join");
	free(survivors);
	return 0;
}
