/*
 * Makes n threads with all signals blocked over each clone, as Go's runtime does.
 *
 * Each is sent SIGUSR1 while it still has all blocked, and gets it when it unblocks them. A signal
 * by which a tracer stops a newborn must not wait for that.
 *
 * param: n=4
 * want: main: clone main/1..n, exit 0
 * want: main/1..n: signal SIGUSR1, exit 0
 */
#include "fixture.h"
#include <semaphore.h>
#include <signal.h>

static __thread uint32_t self;
static sigset_t all, before;
static sem_t born, sent;
static pid_t tid;

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

static void *thread(void *slot)
{
	self = (uintptr_t)slot;
	announce(self);
	tid = syscall(SYS_gettid);
	must(!sem_post(&born), "sem_post");
	wait_for(&sent);
	uint32_t early = ledger->slots[self].handled;
	must(!pthread_sigmask(SIG_SETMASK, &before, NULL), "pthread_sigmask");
	uint32_t all_handled = ledger->slots[self].handled;
	printf("thread: %d, SIGUSR1: %u while blocked, %u after\n", tid, early, all_handled);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	long n = param("n", "4");
	struct sigaction action = {.sa_handler = count, .sa_flags = SA_RESTART};
	must(!sigaction(SIGUSR1, &action, NULL), "sigaction");
	must(!sem_init(&born, 0, 0) && !sem_init(&sent, 0, 0) && !sigfillset(&all), "sem_init");
	for (long i = 0; i < n; i++) {
		pthread_t id;
		uint32_t slot = claim(0);
		must(!pthread_sigmask(SIG_SETMASK, &all, &before), "pthread_sigmask");
		must(!pthread_create(&id, NULL, thread, (void *)(uintptr_t)slot), "pthread_create");
		must(!pthread_sigmask(SIG_SETMASK, &before, NULL), "pthread_sigmask");
		wait_for(&born);
		send_signal(slot, tid, SIGUSR1);
		must(!sem_post(&sent), "sem_post");
		must(!pthread_join(id, NULL), "pthread_join");
	}
	return 0;
}
