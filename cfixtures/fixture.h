/*
 * What every C fixture shares: its parameters, its ledger, its checkpoints and
 * its output file. By hand, without the harness, the ledger is private memory, all
 * checkpoints stand open and the output is the standard one.
 *
 * The ledger is a file that the harness names in TIDCHECK_LEDGER: a header, then a
 * slot a task. A creator claims a slot before it makes a task, and the task announces
 * itself there. It uses no thread-local storage and no libc state, so that tasks
 * without either can announce themselves, and what is written survives SIGKILL.
 * fixtures/fixture/fixture.go and harness/ledger_linux.go know its layout too.
 */
#ifndef TIDCHECK_FIXTURE_H
#define TIDCHECK_FIXTURE_H

#include <fcntl.h>
#include <linux/futex.h>
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
	uint32_t unused[2];
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

/* The first act of main: it is announced in slot 0, and waits at the gate. */
static inline void fixture_start(char **argv)
{
	parameters = argv + 1;
	const char *file = getenv("TIDCHECK_LEDGER"), *out = getenv("TIDCHECK_OUT");
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
	announce(atomic_fetch_add(&ledger->claimed, 1));
	checkpoint(0);
}

#endif
