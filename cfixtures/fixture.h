/*
 * What every C fixture shares: its parameters, its ledger, its checkpoints, its threads and
 * its output file. By hand, without the harness, the ledger is private memory, all
 * checkpoints stand open and the output is the standard one. clone.h, process.h and
 * stop.h are for those that need more.
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

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
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
	_Atomic uint32_t came;    /* its place in the order of the announcements: of two tasks with one id, that of their lives */
};

struct ledger {
	_Atomic uint32_t capacity; /* slots that there is room for */
	_Atomic uint32_t claimed;  /* slots that were asked for */
	_Atomic uint32_t open;     /* checkpoints below this one may be passed; a futex */
	_Atomic uint32_t reached;  /* checkpoints that were reached; a futex */
	_Atomic uint32_t hosts;    /* slots, from the last one down, of threads of fixtures/host, which may have called main */
	_Atomic uint32_t came;     /* announcements */
	uint32_t unused[10];
	struct slot slots[4096]; /* by hand; the harness's file may have more */
};

static struct ledger private_ledger = {.capacity = 4096, .open = UINT32_MAX};
static struct ledger *ledger = &private_ledger;
static char **arguments;
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

#include "param.h"

/* Waits until a word that others advance, threads or processes, is at least so much. */
static inline void await(_Atomic uint32_t *word, uint32_t least)
{
	for (uint32_t now; (now = atomic_load(word)) < least;)
		syscall(SYS_futex, word, FUTEX_WAIT, now, NULL, NULL, 0);
}

static inline void wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* Adds one to a word that others await. */
static inline void advance(_Atomic uint32_t *word)
{
	atomic_fetch_add(word, 1);
	wake(word);
}

/* Tells the harness that the program has come to a checkpoint. */
static inline void reach(uint32_t number)
{
	atomic_store(&ledger->reached, number + 1);
	wake(&ledger->reached);
}

/* Parks until the harness lets the program pass this checkpoint; 0 is the gate. */
static inline void checkpoint(uint32_t number)
{
	reach(number);
	await(&ledger->open, number + 1);
}

/* Claims a slot for a task that the task of slot creator is about to make. */
static inline uint32_t claim(uint32_t creator)
{
	uint32_t slot = atomic_fetch_add(&ledger->claimed, 1);
	if (slot < ledger->capacity)
		ledger->slots[slot].creator = creator + 1;
	return slot;
}

/* Notes the place of a first announcement: of a task that has its id, or is about to have it (clone.h). */
static inline void note_place(struct slot *slot)
{
	uint32_t none = 0;
	atomic_compare_exchange_strong(&slot->came, &none, atomic_fetch_add(&ledger->came, 1) + 1);
}

/* Announces another task, which cannot do it itself. */
static inline void announce_other(uint32_t slot, pid_t pid, pid_t tid)
{
	if (slot >= ledger->capacity)
		return;
	ledger->slots[slot].pid = pid;
	note_place(&ledger->slots[slot]);
	ledger->slots[slot].tid = tid;
	wake(&ledger->slots[slot].tid);
}

/* Called by the new task, with the slot that its creator claimed for it. */
static inline void announce(uint32_t slot)
{
	announce_other(slot, syscall(SYS_getpid), syscall(SYS_gettid));
}

/* A slot of which more is needed than that its task is announced there. */
static inline struct slot *slot_at(uint32_t slot)
{
	must(slot < ledger->capacity, "the ledger is full");
	return &ledger->slots[slot];
}

static inline pthread_t start_in(uint32_t slot, void *(*act)(void *slot))
{
	pthread_t id;
	must(!pthread_create(&id, NULL, act, (void *)(uintptr_t)slot), "pthread_create");
	return id;
}

/* Makes a thread that does act with its slot, a uintptr_t, as its argument. */
static inline pthread_t start_thread(void *(*act)(void *slot), uint32_t creator)
{
	return start_in(claim(creator), act);
}

/* Makes a thread, which has announced itself when this returns. */
static inline pthread_t make_thread(void *(*act)(void *slot), uint32_t creator)
{
	uint32_t slot = claim(creator);
	pthread_t id = start_in(slot, act);
	if (slot < ledger->capacity)
		await(&ledger->slots[slot].tid, 1);
	return id;
}

/* Waits for its own end. */
static inline void park(void)
{
	for (;;)
		pause();
}

/* What a thread may do: announce itself and wait for its end. */
static inline void *parked_thread(void *slot)
{
	announce((uintptr_t)slot);
	park();
	return NULL;
}

/* What a thread may do: announce itself and end. */
static inline void *announce_only(void *slot)
{
	announce((uintptr_t)slot);
	return NULL;
}

/* Makes a thread that announces itself and ends, and waits for its end. */
static inline void one_thread(uint32_t creator)
{
	must(!pthread_join(start_thread(announce_only, creator), NULL), "pthread_join");
}

/* Has the kernel say, in the calling task's slot, when the task has ended. It takes the place of what libc
 * has the kernel clear: no thread that does so can be joined, nor end but by exit(2). One that ends by
 * that without it has the kernel clear the lock of musl's list of threads. */
static inline void clear_at_end(uint32_t slot)
{
	slot_at(slot)->alive = 1;
	syscall(SYS_set_tid_address, &ledger->slots[slot].alive);
}

/* Waits for the end of a task that called clear_at_end. */
static inline void await_end(uint32_t slot)
{
	_Atomic uint32_t *alive = &slot_at(slot)->alive;
	while (*alive)
		syscall(SYS_futex, alive, FUTEX_WAIT, 1, NULL, NULL, 0);
	wake(alive); /* the kernel wakes one (mm_release in kernel/fork.c), and he the others */
}

/* Where a debugger may set a breakpoint (fixtures.Place). */
__attribute__((noinline, unused)) static void tidcheck_place(void)
{
	__asm__ volatile(""); /* a call of what does nothing is left out */
}

/* Sends a signal to one task of this process, which counts it in its slot when it comes. */
static inline void send_signal(uint32_t slot, int tid, int signal)
{
	if (slot < ledger->capacity)
		ledger->slots[slot].sent++;
	must(!syscall(SYS_tgkill, getpid(), tid, signal), "tgkill");
}

static inline void map_ledger(const char *name)
{
	struct stat status;
	int fd = open(name, O_RDWR | O_CLOEXEC);
	must(fd >= 0 && !fstat(fd, &status), name);
	ledger = mmap(NULL, status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(ledger != MAP_FAILED && !close(fd), name);
}

static inline void print_to(const char *name)
{
	int fd = open(name, O_WRONLY | O_APPEND | O_CLOEXEC);
	must(fd >= 0 && dup2(fd, 1) == 1 && !close(fd), name);
}

/* The first act of main: its arguments are looked at, and it is announced in slot 0. Some task of the program is to
 * come to the gate then; after an exec there is none. */
static inline void fixture_open(char **argv)
{
	arguments = argv + 1;
	check_arguments();
	const char *file = getenv("TIDCHECK_LEDGER"), *out = getenv("TIDCHECK_OUT"), *exec = getenv("TIDCHECK_EXEC");
	if (file)
		map_ledger(file);
	if (out)
		print_to(out);
	must(!setvbuf(stdout, NULL, _IOLBF, 0), "setvbuf"); /* a line is one write */
	if (exec) {
		uint32_t former = 0;
		must(sscanf(exec, "%u %u", &former, &execs) == 2, exec);
		main_slot = claim(former);
		slot_at(main_slot)->exec = 1;
	} else {
		main_slot = atomic_fetch_add(&ledger->claimed, 1);
	}
	announce(main_slot);
}

/* The first act of a main that waits at the gate itself, before it does anything. */
static inline void fixture_start(char **argv)
{
	fixture_open(argv);
	if (!execs)
		checkpoint(0);
}

#endif
