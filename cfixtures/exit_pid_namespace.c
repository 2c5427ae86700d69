/*
 * The first process of a pid namespace ends with 3 while its n threads, its child process and that
 * one's n threads live: the kernel kills these.
 *
 * The dying process kills its namespace and waits until all others in it are gone
 * (zap_pid_ns_processes in kernel/pid_namespace.c). So its own end comes only when a tracer has
 * waited for the others' ends.
 *
 * param: n=2
 * want: main: fork main/1, exit 0
 * want: main/1: clone ./1..n, fork ./n+1, exit 3
 * want: main/1/1..n: exit 3
 * want: main/1/n+1: clone ./1..n, killed SIGKILL
 * want: main/1/n+1/1..n: killed SIGKILL
 * needs: cap_sys_admin
 */
#include "outside.h"
#include "process.h"

static _Atomic uint32_t *ready;

static void *thread(void *slot)
{
	announce_outside((uintptr_t)slot);
	advance(ready);
	park();
	return NULL;
}

static void make_threads(uint32_t slot, long n)
{
	for (; n > 0; n--)
		start_thread(thread, slot);
}

static void first(uint32_t slot, long n)
{
	announce_outside(slot);
	make_threads(slot, n);
	await(ready, n);
	uint32_t child = claim(slot);
	pid_t pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0) {
		announce_outside(child);
		make_threads(child, n);
		park();
	}
	await(ready, 2 * n);
	_exit(3);
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	long n = param("n", "2");
	ready = shared_words(1);
	must(!syscall(SYS_unshare, CLONE_NEWPID), "unshare"); /* for its children, not for itself */
	uint32_t slot = claim(0);
	pid_t pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0)
		first(slot, n);
	printf("process: %d ended with %d\n", pid, reap(pid));
	return 0;
}
