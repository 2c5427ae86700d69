/*
 * Its threads block in read, futex, nanosleep and epoll_wait before the gate, and are woken after
 * checkpoint 1.
 *
 * The kernel restarts such calls when a stop interrupts them, so that the program does not see the
 * stop; each thread prints what its call returned. Only epoll_wait returns EINTR after any stop
 * (signal(7)), and is called again. The sleeper sleeps for rest again and again, until it is told
 * to end. Between gate and checkpoint main makes a fifth thread, which ends.
 *
 * param: rest=1s
 * quick: rest=20ms
 * want: main: clone main/1..5, exit 0
 * want: main/1..5: exit 0
 * modes: launch attach_before attach_again detach_during orphaned stops
 */
#include "stop.h"
#include <sys/epoll.h>
#include <time.h>

static _Atomic uint32_t told;
static _Atomic pid_t tids[4];
static int channel[2], bell[2], epoll;
static struct timespec rest;

static int block_in_read(void)
{
	char byte;
	return read(channel[0], &byte, 1) == 1 ? 0 : errno;
}

static int block_in_futex(void)
{
	return !syscall(SYS_futex, &told, FUTEX_WAIT, 0, NULL, NULL, 0) || errno == EAGAIN ? 0 : errno;
}

static int block_in_nanosleep(void)
{
	while (!told)
		if (nanosleep(&rest, NULL)) // sleep: an attach is to meet this call
			return errno;
	return 0;
}

static int block_in_epoll_wait(void)
{
	struct epoll_event event;
	int n;
	while ((n = epoll_wait(epoll, &event, 1, -1)) < 0 && errno == EINTR)
		;
	return n == 1 ? 0 : errno;
}

static const struct call {
	const char *name;
	int (*block)(void);
} calls[4] = {
	{"read", block_in_read},
	{"futex", block_in_futex},
	{"nanosleep", block_in_nanosleep},
	{"epoll_wait", block_in_epoll_wait},
};

static void *thread(void *arg)
{
	long i = (const struct call *)arg - calls;
	announce(i + 1); /* main claims slots 1 to 4 for these threads, in this order */
	tids[i] = syscall(SYS_gettid);
	int err = calls[i].block();
	printf("%s: %s\n", calls[i].name, err ? strerror(err) : "no error");
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_open(argv);
	long long nanoseconds = param("rest", "1s");
	rest = (struct timespec){nanoseconds / 1000000000, nanoseconds % 1000000000};
	must(!pipe(channel) && !pipe(bell), "pipe");
	must((epoll = epoll_create1(0)) >= 0, "epoll_create1");
	struct epoll_event event = {.events = EPOLLIN};
	must(!epoll_ctl(epoll, EPOLL_CTL_ADD, bell[0], &event), "epoll_ctl");
	pthread_t threads[4];
	for (int i = 0; i < 4; i++) {
		claim(0);
		must(!pthread_create(&threads[i], NULL, thread, (void *)&calls[i]), "pthread_create");
	}
	for (int i = 0; i < 4; i++)
		while (!tids[i] || task_state(getpid(), tids[i]) != 'S') /* nothing else tells */
			sched_yield();
	checkpoint(0);
	one_thread(0);
	checkpoint(1);
	advance(&told);
	must(write(channel[1], "", 1) == 1 && write(bell[1], "", 1) == 1, "write");
	for (int i = 0; i < 4; i++)
		must(!pthread_join(threads[i], NULL), "pthread_join");
	return 0;
}
