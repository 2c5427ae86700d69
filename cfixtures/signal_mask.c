/*
 * Looks at the signal masks of its n threads, and at its dispositions, before its gate and after,
 * and then executes itself.
 *
 * A debugger may not change them, neither at an attach nor at an exec, which keeps the mask and the
 * ignored signals. The program prints them in /proc's words. Checkpoint 1 is before the exec. One
 * more thread comes and goes before the checkpoint, and one after.
 *
 * param: n=3
 * want: main: clone main/1..n+2, exec, exit 0
 * want: main/1..n+2: exit 0
 * modes: launch attach_before attach_during detach_during stops
 */
#include "fixture.h"
#include <signal.h>

extern char **environ;

static _Atomic uint32_t looked, phase;

/* Prints the lines of the calling task's status that are about masks and dispositions. */
static void print_signals(const char *speaker)
{
	char line[256];
	FILE *status = fopen("/proc/thread-self/status", "r");
	must(status != NULL, "/proc/thread-self/status");
	while (fgets(line, sizeof line, status))
		if (!strncmp(line, "SigBlk:", 7) || !strncmp(line, "SigIgn:", 7) ||
		    !strncmp(line, "SigCgt:", 7))
			printf("%s: %s", speaker, line);
	must(!fclose(status), "fclose");
}

static void nothing(int signal)
{
	(void)signal;
}

static void block(int signal)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, signal);
	must(!pthread_sigmask(SIG_BLOCK, &set, NULL), "pthread_sigmask");
}

static void *thread(void *arg)
{
	uint32_t slot = (uintptr_t)arg;
	announce(slot);
	block(SIGRTMIN + slot % 16); /* each blocks a signal of its own */
	for (uint32_t i = 1; i <= 2; i++) {
		print_signals("a thread");
		advance(&looked);
		await(&phase, i);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "executed")) {
		print_signals("after the exec");
		return 0;
	}
	fixture_open(argv);
	block(SIGUSR1);
	must(signal(SIGUSR2, SIG_IGN) != SIG_ERR && signal(SIGTRAP, nothing) != SIG_ERR, "signal");
	must(signal(SIGSTOP, nothing) == SIG_ERR, "a handler for SIGSTOP, which was to be refused");
	long n = param("n", "3");
	pthread_t *threads = calloc(n, sizeof *threads);
	must(threads != NULL, "calloc");
	for (long i = 0; i < n; i++)
		threads[i] = start_thread(thread, 0);
	for (uint32_t i = 0; i < 2; i++) {
		await(&looked, n * (i + 1));
		print_signals("main");
		checkpoint(i);
		advance(&phase);
		one_thread(0);
	}
	for (long i = 0; i < n; i++)
		must(!pthread_join(threads[i], NULL), "pthread_join");
	free(threads);
	char *again[] = {argv[0], "executed", NULL};
	execve("/proc/self/exe", again, environ);
	must(0, "execve");
	return 0;
}
