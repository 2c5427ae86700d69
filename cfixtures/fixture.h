/*
 * What every C fixture shares: its parameters, its ledger, its checkpoints and
 * its output file. By hand, without the harness, the ledger is private memory, all
 * checkpoints stand open and the output is the standard one.
 *
 * The ledger is a file that the harness names in TIDCHECK_LEDGER: a header, then a
 * slot a task. A creator claims a slot before it makes a task, and the task announces
 * itself there. It uses no thread-local storage and no libc state, so that tasks
 * without either can announce themselves, and what is written survives SIGKILL.
 * A program that was executed by a fixture (exec_again) maps the ledger anew and
 * takes a further slot for the task that executed it.
 * fixtures/fixture/fixture.go and harness/ledger_linux.go know its layout too.
 */
#ifndef TIDCHECK_FIXTURE_H
#define TIDCHECK_FIXTURE_H

#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct slot {
	_Atomic uint32_t tid;     /* written last; 0: claimed, but nobody came */
	_Atomic uint32_t pid;     /* the thread group */
	_Atomic uint32_t creator; /* the creator's slot + 1; 0: unknown */
	_Atomic uint32_t alive;   /* for set_tid_address(2): the kernel clears it at the end */
	_Atomic uint32_t sent;    /* signals that were sent to it, by send_signal */
	_Atomic uint32_t handled; /* signals that its handlers counted */
	_Atomic uint32_t exec;    /* 1: no new task, but what its creator became by exec(2) */
	uint32_t unused;
};

struct ledger {
	_Atomic uint32_t capacity; /* slots that there is room for */
	_Atomic uint32_t claimed;  /* slots that were asked for */
	_Atomic uint32_t open;     /* checkpoints below this one may be passed; a futex */
	_Atomic uint32_t reached;  /* checkpoints that were reached; a futex */
	uint32_t unused[12];
	struct slot slots[4096]; /* by hand; the harness's file may have more */
};

static struct ledger private_ledger = {.capacity = 4096, .open = UINT32_MAX};
static struct ledger *ledger = &private_ledger;
static char **parameters;
static uint32_t main_slot; /* of the task that runs main: 0, but after an exec */
static uint32_t execs;     /* how many of this process's programs came before this one */

/* Ends the program, with status 99, if what it needs cannot be had. */
static inline void must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		_exit(99);
	}
}

/* The value of NAME=VALUE on the command line; 10s, 1ms and 5us are in nanoseconds. */
static inline long long param(const char *name, const char *otherwise)
{
	const char *value = otherwise;
	size_t length = strlen(name);
	for (char **p = parameters; *p; p++)
		if (!strncmp(*p, name, length) && (*p)[length] == '=')
			value = *p + length + 1;
	char *unit;
	long long n = strtoll(value, &unit, 10);
	if (!strcmp(unit, "s"))
		return n * 1000000000;
	if (!strcmp(unit, "ms"))
		return n * 1000000;
	if (!strcmp(unit, "us"))
		return n * 1000;
	if (*unit || unit == value) {
		fprintf(stderr, "%s=%s: not a number, nor a time such as 10s or 1ms\n", name, value);
		_exit(99);
	}
	return n;
}

/* Claims a slot for a task that the task of slot creator is about to make. */
static inline uint32_t claim(uint32_t creator)
{
	uint32_t slot = atomic_fetch_add(&ledger->claimed, 1);
	if (slot < ledger->capacity)
		ledger->slots[slot].creator = creator + 1;
	return slot;
}

/* Called by the new task, with the slot that its creator claimed for it. */
static inline void announce(uint32_t slot)
{
	if (slot >= ledger->capacity)
		return;
	ledger->slots[slot].pid = syscall(SYS_getpid);
	ledger->slots[slot].tid = syscall(SYS_gettid);
	syscall(SYS_futex, &ledger->slots[slot].tid, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* Makes a thread, which has announced itself in the slot that it is given when this returns. */
static inline pthread_t make_thread(uint32_t creator, void *(*run)(void *slot))
{
	uint32_t slot = claim(creator);
	pthread_t id;
	must(!pthread_create(&id, NULL, run, (void *)(uintptr_t)slot), "pthread_create");
	while (slot < ledger->capacity && !ledger->slots[slot].tid)
		syscall(SYS_futex, &ledger->slots[slot].tid, FUTEX_WAIT, 0, NULL, NULL, 0);
	return id;
}

/* Waits for its own end. */
static inline void park(void)
{
	for (;;)
		pause();
}

/* A thread that only waits for its end. */
static inline void *parked(void *slot)
{
	announce((uintptr_t)slot);
	park();
	return NULL;
}

/* Sends a signal to one task of this process, which counts it in its slot when it comes. */
static inline void send_signal(uint32_t slot, int tid, int signal)
{
	if (slot < ledger->capacity)
		ledger->slots[slot].sent++;
	must(!syscall(SYS_tgkill, getpid(), tid, signal), "tgkill");
}

/* Parks until the harness lets the program pass this checkpoint; 0 is the gate. */
static inline void checkpoint(uint32_t number)
{
	atomic_store(&ledger->reached, number + 1);
	syscall(SYS_futex, &ledger->reached, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
	for (uint32_t open; (open = atomic_load(&ledger->open)) <= number;)
		syscall(SYS_futex, &ledger->open, FUTEX_WAIT, open, NULL, NULL, 0);
}

/* Has the kernel say, in the calling task's slot, when the task has ended. It takes the place of what libc
 * has the kernel clear: no thread that does so can be joined. */
static inline void clear_at_end(uint32_t slot)
{
	must(slot < ledger->capacity, "clear_at_end: the ledger's slots are too few");
	ledger->slots[slot].alive = 1;
	syscall(SYS_set_tid_address, &ledger->slots[slot].alive);
}

/* Waits for the end of a task that called clear_at_end. */
static inline void await_end(uint32_t slot)
{
	while (ledger->slots[slot].alive)
		syscall(SYS_futex, &ledger->slots[slot].alive, FUTEX_WAIT, 1, NULL, NULL, 0);
	/* The kernel wakes one (mm_release in kernel/fork.c), and he the others. */
	syscall(SYS_futex, &ledger->slots[slot].alive, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* The task of a slot executes this program again, whose main begins anew with main_slot and execs set. */
static inline void exec_again(uint32_t slot)
{
	extern char **environ;
	char self[64];
	int n = 0, kept = 1;
	while (environ[n])
		n++;
	char **env = calloc(n + 2, sizeof *env); /* setenv would be seen by a thread that does the same */
	must(env != NULL, "calloc");
	snprintf(self, sizeof self, "TIDCHECK_EXEC=%u %u", slot, execs + 1);
	env[0] = self;
	for (char **e = environ; *e; e++)
		if (strncmp(*e, self, strlen("TIDCHECK_EXEC=")))
			env[kept++] = *e;
	execve("/proc/thread-self/exe", parameters - 1, env); /* a leader that has ended has no exe in /proc */
	must(0, "execve");
}

/* The first act of main: it is announced in slot 0, and waits at the gate. After an exec there is no gate. */
static inline void fixture_start(char **argv)
{
	parameters = argv + 1;
	const char *file = getenv("TIDCHECK_LEDGER"), *out = getenv("TIDCHECK_OUT"), *exec = getenv("TIDCHECK_EXEC");
	if (file) {
		struct stat status;
		int fd = open(file, O_RDWR | O_CLOEXEC);
		must(fd >= 0 && !fstat(fd, &status), file);
		ledger = mmap(NULL, status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		must(ledger != MAP_FAILED && !close(fd), file);
	}
	if (out) {
		int fd = open(out, O_WRONLY | O_APPEND | O_CLOEXEC);
		must(fd >= 0 && dup2(fd, 1) == 1 && !close(fd), out);
	}
	must(!setvbuf(stdout, NULL, _IOLBF, 0), "setvbuf"); /* a line is one write */
	if (exec) {
		uint32_t former = 0;
		must(sscanf(exec, "%u %u", &former, &execs) == 2, exec);
		main_slot = claim(former);
		if (main_slot < ledger->capacity)
			ledger->slots[main_slot].exec = 1;
		announce(main_slot);
		return;
	}
	announce(atomic_fetch_add(&ledger->claimed, 1));
	checkpoint(0);
}

#endif
