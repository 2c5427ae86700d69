/*
 * Comes to checkpoint 1 and does not wait there: with its n threads it is killed by SIGKILL at
 * once.
 *
 * A debugger that is to detach there meets a program that is dying. The last of the n threads kills
 * it. Another thread has come and gone before.
 *
 * param: n=50
 * want: main: clone main/1..n+1, killed SIGKILL
 * want: main/1: exit 0
 * want: main/2..n+1: killed SIGKILL
 * modes: launch attach_before detach_during
 * set: quick
 */
#include "fixture.h"
#include <signal.h>

static _Atomic uint32_t parked, never;

static void *thread(void *arg)
{
	announce((uintptr_t)arg);
	advance(&parked);
	await(&never, 1);
	return NULL;
}

static void *killer(void *arg)
{
	announce((uintptr_t)arg);
	reach(1);
	must(!kill(getpid(), SIGKILL), "kill");
	await(&never, 1);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	long n = param("n", "50");
	one_thread(0);
	for (long i = 1; i <= n; i++) {
		start_thread(i < n ? thread : killer, 0);
		if (i < n)
			await(&parked, i);
	}
	await(&never, 1);
	return 0;
}
