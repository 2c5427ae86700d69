/*
 * Makes a thread every interval; each thread prints its process and its own id, rests and ends.
 *
 * It is the program of the lesson that tidcheck grew from. Checkpoint 1 is half way, when the
 * threads made so far have ended.
 *
 * param: n=10 interval=10s rest=1s linger=15s
 * quick: interval=1ms rest=0 linger=0
 * want: main: clone main/1..n, exit 0
 * want: main/1..n: exit 0
 * modes: launch attach_before attach_during detach_during stops
 * set: quick
 */
#include "fixture.h"
#include <time.h>

static long long rest;

static void sleep_for(long long nanoseconds)
{
	struct timespec left = {nanoseconds / 1000000000, nanoseconds % 1000000000};
	while (nanosleep(&left, &left)) // sleep: it is what the program shows
		;
}

static void print_ids(void)
{
	printf("process: %d, thread: %ld\n", getpid(), syscall(SYS_gettid));
}

static void *thread(void *slot)
{
	announce((uintptr_t)slot);
	print_ids();
	sleep_for(rest);
	return NULL;
}

static void join(const pthread_t *threads, long n)
{
	for (long i = 0; i < n; i++)
		must(!pthread_join(threads[i], NULL), "pthread_join");
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	long n = param("n", "10");
	long long interval = param("interval", "10s");
	rest = param("rest", "1s");
	pthread_t *threads = calloc(n, sizeof *threads);
	must(threads != NULL, "calloc");
	print_ids();
	for (long i = 0; i < n; i++) {
		if (i == n / 2) {
			join(threads, i);
			checkpoint(1);
		}
		sleep_for(interval);
		threads[i] = start_thread(thread, 0);
	}
	sleep_for(param("linger", "15s"));
	join(threads + n / 2, n - n / 2);
	free(threads);
	return 0;
}
