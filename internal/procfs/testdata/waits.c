/*
 * Waits as its argument says, for a test to look at: with or without a time limit.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int is(const char *how, const char *name) { return !strcmp(how, name); }

static void set_timer(void)
{
	timer_t id;
	struct itimerspec once = {.it_value.tv_sec = 1000};
	if (timer_create(CLOCK_MONOTONIC, NULL, &id) || timer_settime(id, 0, &once, NULL))
		_exit(99);
}

static void wait_for_child(const char *how)
{
	struct clone_args args = {.flags = CLONE_VFORK, .exit_signal = SIGCHLD};
	pid_t pid;
	if (is(how, "vfork")) {
		if (vfork() == 0)
			for (;;)
				pause();
	} else if (is(how, "clone3")) {
		if (syscall(SYS_clone3, &args, sizeof args) == 0)
			for (;;)
				pause();
	} else {
		if ((pid = fork()) == 0)
			for (;;)
				pause();
		waitpid(pid, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	const char *how = argv[argc - 1];
	struct timespec late = {.tv_sec = 1000};
	struct timeval long_time = {.tv_sec = 1000};
	struct epoll_event event;
	static uint32_t word;
	int fds[2], epoll = epoll_create1(0);
	char byte;
	if (pipe(fds) || epoll < 0)
		return 99;
	struct pollfd on = {.fd = fds[0], .events = POLLIN};
	if (is(how, "timer"))
		set_timer();
	if (is(how, "timerfd") && timerfd_create(CLOCK_MONOTONIC, 0) < 0)
		return 99;
	if (is(how, "futex") || is(how, "timer") || is(how, "timerfd"))
		syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
	if (is(how, "futex, timed"))
		syscall(SYS_futex, &word, FUTEX_WAIT, 0, &late, NULL, 0);
	if (is(how, "poll"))
		poll(&on, 1, -1);
	if (is(how, "poll, timed"))
		poll(&on, 1, 1000000);
	if (is(how, "select"))
		select(0, NULL, NULL, NULL, NULL);
	if (is(how, "select, timed"))
		select(0, NULL, NULL, NULL, &long_time);
	if (is(how, "epoll"))
		epoll_wait(epoll, &event, 1, -1);
	if (is(how, "epoll, timed"))
		epoll_wait(epoll, &event, 1, 1000000);
	if (is(how, "pipe") && read(fds[0], &byte, 1) != 1)
		return 99;
	if (is(how, "pause"))
		pause();
	if (is(how, "sleep"))
		clock_nanosleep(CLOCK_MONOTONIC, 0, &late, NULL);
	if (is(how, "wait") || is(how, "vfork") || is(how, "clone3"))
		wait_for_child(how);
	return 0;
}
