/*
 * A child process sends SIGCONT to n threads of its parent without pause, until main has passed its
 * gate and checkpoint 1.
 *
 * At a SIGCONT the kernel throws away all stop signals of the process that are pending (signal(7)).
 * So the SIGSTOP by which a debugger attaches to a thread, or stops it, may never come; the first
 * stop is SIGCONT's, which belongs to the program. A SIGSTOP throws away a SIGCONT in turn, so the
 * signals are not counted: the child waits until a thread has handled one, at most 20 ms, before it
 * sends the next, from least to most times. Main makes a thread before the checkpoint, and one
 * after.
 *
 * param: n=3 least=20 most=100000
 * want: main: clone main/1..n, fork main/n+1, clone main/n+2..n+3, exit 0
 * want: main/1..n+3: exit 0
 * modes: launch attach_before attach_again detach_during orphaned stops
 */
#include "process.h"
#include <time.h>

struct target {
	pthread_t id;
	uint32_t slot;
	pid_t tid;
	_Atomic uint32_t *handled;
};

static __thread struct target *self;
static struct target *targets;
static _Atomic uint32_t *rounds, *enough, begun, over;
static long n;

static void handle(int signal)
{
	(void)signal;
	if (self) /* a debugger that lets go may send SIGCONT to the process, which main handles */
		advance(self->handled);
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

static void send_to(pid_t parent, struct target *t)
{
	struct timespec at_most = {.tv_nsec = 20000000};
	uint32_t before = *t->handled;
	must(!syscall(SYS_tgkill, parent, t->tid, SIGCONT), "tgkill");
	syscall(SYS_futex, t->handled, FUTEX_WAIT, before, &at_most, NULL, 0);
}

/* The child process, which no debugger that attaches to its parent stops. */
static void storm(pid_t parent)
{
	uint32_t least = param("least", "20"), most = param("most", "100000");
	must(!prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
	for (uint32_t round = 0; round < most && (round < least || !*enough); round++) {
		for (struct target *t = targets; t < targets + n; t++)
			send_to(parent, t);
		advance(rounds);
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_open(argv);
	n = param("n", "3");
	struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
	must(!sigaction(SIGCONT, &action, NULL), "sigaction");
	targets = calloc(n, sizeof *targets);
	must(targets != NULL, "calloc");
	rounds = shared_words(2 + n);
	enough = rounds + 1;
	for (struct target *t = targets; t < targets + n; t++) {
		t->handled = enough + 1 + (t - targets);
		t->slot = claim(0);
		must(!pthread_create(&t->id, NULL, target, t), "pthread_create");
		await(&begun, t - targets + 1);
	}
	pid_t pid = getpid(), child = fork_announced(claim(0));
	if (child == 0)
		storm(pid);
	await(rounds, 1);
	checkpoint(0);
	one_thread(0);
	checkpoint(1);
	one_thread(0);
	advance(enough);
	must(reap(child) == 0, "the child process");
	advance(&over);
	for (struct target *t = targets; t < targets + n; t++)
		must(!pthread_join(t->id, NULL), "pthread_join");
	free(targets);
	return 0;
}
