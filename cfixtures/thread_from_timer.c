/*
 * A timer of libc's expires n times and makes a thread each time (SIGEV_THREAD).
 *
 * The threads are made by one of libc's own, which no code of this program made, with all signals
 * blocked; nothing announces that one, so the kernel's account alone has all. musl has the thread
 * that the timer is made with call the function itself, and makes no more. Checkpoint 1 is half
 * way.
 *
 * param: n=5
 * want: main: clone main/1, exit 0
 * want: main/1: at most n clone *, exit 0
 * want: *: at most n+1 clone *, at least 2 exit 0
 * needs: witness timers
 * modes: launch attach_before attach_during detach_during stops
 */
#include "fixture.h"
#include <signal.h>
#include <time.h>

static _Atomic uint32_t expired;

static void count(union sigval value)
{
	(void)value;
	advance(&expired);
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	timer_t timer;
	struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = count};
	struct itimerspec soon = {.it_value = {.tv_nsec = 1000000}};
	must(!timer_create(CLOCK_MONOTONIC, &event, &timer), "timer_create");
	for (long n = param("n", "5"), i = 0; i < n; i++) {
		if (i == n / 2)
			checkpoint(1);
		must(!timer_settime(timer, 0, &soon, NULL), "timer_settime");
		await(&expired, i + 1);
	}
	must(!timer_delete(timer), "timer_delete");
	printf("process: %d, expired: %u\n", getpid(), expired);
	return 0;
}
