/*
 * Main gets r SIGCHLDs; each of n threads gets r times SIGURG and SIGPROF and five queued real-time
 * signals.
 *
 * Handlers count. A standard signal that comes while one is pending is merged with it, so each is
 * sent when the last has been handled. Real-time signals queue up, and their values must come as
 * they were sent. Checkpoint 1 is after half of the rounds; one more thread comes and goes after
 * it.
 *
 * param: n=3 r=10
 * want: main: fork main/1..r, clone main/r+1..r+n+1, exit 0
 * want: main/1..r: exit 0
 * want: main/r+1..r+n+1: exit 0
 * modes: launch attach_before attach_during detach_during stops
 */
#include "process.h"

enum { queued = 5 };

struct target {
	pthread_t id;
	uint32_t slot;
	_Atomic pid_t tid;
	int value; /* of the last real-time signal */
};

static __thread struct target *self;
static struct target leader;
static _Atomic uint32_t born, over;

static void count(int signal, siginfo_t *info, void *context)
{
	(void)context;
	if (signal == SIGRTMIN &&
	    (info->si_code != SI_QUEUE || info->si_value.sival_int != ++self->value))
		return; /* it did not come as it was sent, and does not count */
	advance(&ledger->slots[self->slot].handled);
}

static void *target(void *arg)
{
	self = arg;
	announce(self->slot);
	self->tid = syscall(SYS_gettid);
	advance(&born);
	await(&over, 1);
	return NULL;
}

static void await_handled(const struct target *t)
{
	await(&ledger->slots[t->slot].handled, ledger->slots[t->slot].sent);
}

static void storm(struct target *t, int round)
{
	const int standard[] = {SIGURG, SIGPROF};
	for (int i = 0; i < 2; i++) {
		send_signal(t->slot, t->tid, standard[i]);
		await_handled(t);
	}
	for (int i = 1; i <= queued; i++) {
		siginfo_t info = {.si_signo = SIGRTMIN, .si_code = SI_QUEUE};
		info.si_pid = getpid();
		info.si_uid = getuid();
		info.si_value.sival_int = round * queued + i;
		ledger->slots[t->slot].sent++;
		must(!syscall(SYS_rt_tgsigqueueinfo, getpid(), t->tid, SIGRTMIN, &info),
		     "rt_tgsigqueueinfo");
	}
}

/* Makes a child that ends. While main is the only thread, its process's SIGCHLD comes to main. */
static void child_ends(void)
{
	ledger->slots[0].sent++;
	pid_t pid = fork_announced(claim(0));
	if (pid == 0)
		_exit(0);
	await_handled(&leader);
	must(reap(pid) == 0, "the child process");
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	long n = param("n", "3"), r = param("r", "10");
	self = &leader;
	struct sigaction action = {.sa_sigaction = count, .sa_flags = SA_RESTART | SA_SIGINFO};
	must(!sigaction(SIGCHLD, &action, NULL) && !sigaction(SIGURG, &action, NULL), "sigaction");
	must(!sigaction(SIGPROF, &action, NULL) && !sigaction(SIGRTMIN, &action, NULL), "sigaction");
	for (long i = 0; i < r; i++)
		child_ends();
	struct target *targets = calloc(n, sizeof *targets);
	must(targets != NULL, "calloc");
	for (struct target *t = targets; t < targets + n; t++) {
		t->slot = claim(0);
		must(!pthread_create(&t->id, NULL, target, t), "pthread_create");
	}
	await(&born, n);
	for (long round = 0; round < r; round++) {
		if (round == r / 2) {
			checkpoint(1);
			one_thread(0);
		}
		for (struct target *t = targets; t < targets + n; t++)
			storm(t, round);
		for (struct target *t = targets; t < targets + n; t++)
			await_handled(t);
	}
	advance(&over);
	for (struct target *t = targets; t < targets + n; t++) {
		must(!pthread_join(t->id, NULL), "pthread_join");
		printf("signals: %u\n", ledger->slots[t->slot].handled);
	}
	free(targets);
	return 0;
}
