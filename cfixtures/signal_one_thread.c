/*
 * Sends SIGUSR1 by tgkill to main, then to each of n threads; each counts what its handler got.
 *
 * A thread looks at its count only when main lets it, after its signal was sent. So a signal that
 * never comes is seen, and is not waited for. Checkpoint 1 is half way; one more thread comes and
 * goes after it.
 *
 * param: n=4
 * want: main: signal SIGUSR1, clone main/1..n+1, exit 0
 * want: main/1..n: signal SIGUSR1, exit 0
 * want: main/n+1: exit 0
 * modes: launch attach_before attach_during detach_during stops
 * set: quick
 */
#include "fixture.h"
#include <semaphore.h>
#include <signal.h>

struct thread {
	pthread_t id;
	uint32_t slot;
	pid_t tid;
	sem_t born, sent;
};

static __thread uint32_t self;

static void count(int signal)
{
	(void)signal;
	ledger->slots[self].handled++;
}

static void wait_for(sem_t *event)
{
	while (sem_wait(event))
		must(errno == EINTR, "sem_wait");
}

static void report(void)
{
	printf("thread: %ld, SIGUSR1: %u\n", syscall(SYS_gettid), ledger->slots[self].handled);
}

static void *thread(void *arg)
{
	struct thread *t = arg;
	self = t->slot;
	announce(t->slot);
	t->tid = syscall(SYS_gettid);
	must(!sem_post(&t->born), "sem_post");
	wait_for(&t->sent);
	report();
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	long n = param("n", "4");
	struct sigaction action = {.sa_handler = count, .sa_flags = SA_RESTART};
	must(!sigaction(SIGUSR1, &action, NULL), "sigaction");
	send_signal(0, getpid(), SIGUSR1);
	report();
	struct thread *threads = calloc(n, sizeof *threads);
	must(threads != NULL, "calloc");
	for (struct thread *t = threads; t < threads + n; t++) {
		t->slot = claim(0);
		must(!sem_init(&t->born, 0, 0) && !sem_init(&t->sent, 0, 0), "sem_init");
		must(!pthread_create(&t->id, NULL, thread, t), "pthread_create");
		wait_for(&t->born);
	}
	for (long i = 0; i < n; i++) {
		if (i == n / 2) {
			checkpoint(1);
			one_thread(0);
		}
		send_signal(threads[i].slot, threads[i].tid, SIGUSR1);
		must(!sem_post(&threads[i].sent), "sem_post");
		must(!pthread_join(threads[i].id, NULL), "pthread_join");
	}
	free(threads);
	return 0;
}
