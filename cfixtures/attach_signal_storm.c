/*
 * A thread sends SIGUSR1 to n others without pause, until main has passed its gate and checkpoint
 * 1; handlers count.
 *
 * A standard signal that comes while one is pending is merged with it, so the next one is sent when
 * the last has been handled. The bounds of how many each thread is sent are least and most. A
 * debugger attaches or detaches at the gate or the checkpoint while signals are on their way: none
 * of these may be lost, and none of the debugger's own may be left. Between the two main makes a
 * thread, which ends.
 *
 * param: n=3 least=20 most=100000
 * want: main: clone main/1..n+2, exit 0
 * want: main/1..n+2: exit 0
 * modes: launch attach_before attach_again detach_during stops
 */
#include "fixture.h"
#include <signal.h>

struct target {
	pthread_t id;
	uint32_t slot;
	_Atomic pid_t tid;
};

static __thread struct target *self;
static struct target *targets;
static _Atomic uint32_t begun, rounds, enough, over;
static uint32_t most;
static long n;

static void count(int signal)
{
	(void)signal;
	advance(&ledger->slots[self->slot].handled);
}

static void *target(void *arg)
{
	self = arg;
	announce(self->slot);
	self->tid = syscall(SYS_gettid);
	advance(&begun);
	await(&over, 1);
	return NULL;
}

static void *sender(void *arg)
{
	announce((uintptr_t)arg);
	uint32_t least = param("least", "20");
	await(&begun, n);
	while (rounds < most && (rounds < least || !enough)) {
		advance(&rounds);
		for (struct target *t = targets; t < targets + n; t++)
			send_signal(t->slot, t->tid, SIGUSR1);
		for (struct target *t = targets; t < targets + n; t++)
			await(&ledger->slots[t->slot].handled, rounds);
	}
	advance(&over);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_open(argv);
	n = param("n", "3");
	most = param("most", "100000");
	struct sigaction action = {.sa_handler = count, .sa_flags = SA_RESTART};
	must(!sigaction(SIGUSR1, &action, NULL), "sigaction");
	targets = calloc(n, sizeof *targets);
	must(targets != NULL, "calloc");
	pthread_t storm = start_thread(sender, 0);
	for (struct target *t = targets; t < targets + n; t++) {
		t->slot = claim(0);
		must(!pthread_create(&t->id, NULL, target, t), "pthread_create");
	}
	await(&rounds, 1);
	checkpoint(0);
	uint32_t whole = rounds + 2; /* so that a whole round is between gate and checkpoint 1 */
	await(&rounds, whole < most ? whole : most);
	one_thread(0);
	checkpoint(1);
	advance(&enough);
	must(!pthread_join(storm, NULL), "pthread_join");
	for (struct target *t = targets; t < targets + n; t++)
		must(!pthread_join(t->id, NULL), "pthread_join");
	free(targets);
	return 0;
}
