/*
 * What every C fixture shares: parameters, ledger, checkpoints, threads and output file. By hand,
 * without the harness, the ledger is private memory, all checkpoints are open and the output is
 * standard output. clone.h, process.h and stop.h have what only some fixtures need.
 *
 * The ledger is a file that the harness names in TIDCHECK_LEDGER: a header, then one slot for each
 * task. A creator claims a slot before it makes a task, and the task announces itself there. It
 * uses no thread-local storage and no libc state, so that tasks without either can announce
 * themselves. What is written survives SIGKILL. A program that a fixture executes (exec_again)
 * maps the ledger anew and claims another slot for the task that executed it.
 * fixtures/fixture/ledger_linux.go has the same layout; a test of internal/ledger compares them.
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
	_Atomic uint32_t tid;     /* written last; 0: claimed, but no task announced itself */
	_Atomic uint32_t pid;     /* the thread group */
	_Atomic uint32_t creator; /* the creator's slot + 1; 0: unknown */
	_Atomic uint32_t alive;   /* for set_tid_address(2): the kernel clears it at the task's end */
	_Atomic uint32_t sent;    /* signals that send_signal sent to the task */
	_Atomic uint32_t handled; /* signals that the task's handlers counted */
	_Atomic uint32_t exec;    /* 1: not a new task, but what its creator became by exec(2) */
	_Atomic uint32_t came;    /* place in the order of announcements; orders two tasks of one id */
};

struct ledger {
	_Atomic uint32_t capacity; /* slots in the ledger */
	_Atomic uint32_t claimed;  /* slots that were claimed, perhaps more than there are */
	_Atomic uint32_t open;     /* checkpoints below this one may be passed; a futex */
	_Atomic uint32_t reached;  /* the last checkpoint that was reached, + 1; a futex */
	_Atomic uint32_t hosts;    /* slots, from the last one down, of fixtures/host's own threads */
	_Atomic uint32_t came;     /* announcements so far */
	uint32_t unused[10];
	struct slot slots[4096]; /* the harness's file may have more */
};

static struct ledger private_ledger = {.capacity = 4096, .open = UINT32_MAX};
static struct ledger *ledger = &private_ledger;
static char **arguments;
static uint32_t main_slot; /* of the task that runs main; 0 unless exec_again came before */
static uint32_t execs;     /* how many times exec_again came before */

/* Ends the program with status 99 if a call that it needs failed; what names the call. */
static inline void must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		_exit(99);
	}
}

#include "param.h"

/* Waits until a word that other threads or processes advance is at least so much. */
static inline void await(_Atomic uint32_t *word, uint32_t least)
{
	for (uint32_t now; (now = atomic_load(word)) < least;)
		syscall(SYS_futex, word, FUTEX_WAIT, now, NULL, NULL, 0);
}

static inline void wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* Adds one to a word that other tasks await. */
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

/* Waits until the harness lets the program pass this checkpoint; 0 is the gate. */
static inline void checkpoint(uint32_t number)
{
	reach(number);
	await(&ledger->open, number + 1);
}

/* Claims a slot for a task that the task in slot creator is about to make. */
static inline uint32_t claim(uint32_t creator)
{
	uint32_t slot = atomic_fetch_add(&ledger->claimed, 1);
	if (slot < ledger->capacity)
		ledger->slots[slot].creator = creator + 1;
	return slot;
}

/* Notes the place of a slot's first announcement. Its task has its id or is about to get it. */
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

/* A slot that the program cannot do without. */
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

/* Makes a thread that calls act with its slot, a uintptr_t, as the argument. */
static inline pthread_t start_thread(void *(*act)(void *slot), uint32_t creator)
{
	return start_in(claim(creator), act);
}

/* As start_thread; the thread has announced itself when this returns. */
static inline pthread_t make_thread(void *(*act)(void *slot), uint32_t creator)
{
	uint32_t slot = claim(creator);
	pthread_t id = start_in(slot, act);
	if (slot < ledger->capacity)
		await(&ledger->slots[slot].tid, 1);
	return id;
}

/* Waits for the end of the calling task. */
static inline void park(void)
{
	for (;;)
		pause();
}

/* For a thread: announces itself and waits for its end. */
static inline void *parked_thread(void *slot)
{
	announce((uintptr_t)slot);
	park();
	return NULL;
}

/* For a thread: announces itself and ends. */
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

/* Has the kernel clear alive in the calling task's slot when the task has ended. The kernel clears
 * one word for each task; libc's is not cleared then. So such a thread cannot be joined, and it
 * must end by exit(2). A thread that ends by exit(2) without this has the kernel clear the lock of
 * musl's list of threads. */
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
	wake(alive); /* the kernel wakes one waiter (mm_release in kernel/fork.c); that one wakes all */
}

/* Where a debugger may set a breakpoint (fixtures.Place). */
__attribute__((noinline, unused)) static void tidcheck_place(void)
{
	__asm__ volatile(""); /* without this the compiler drops calls of an empty function */
}

/* Sends a signal to one task of this process. The task's handler counts it in the slot. */
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

/* Main's first call: checks the arguments and announces main, in slot 0. Then some task of the
 * program must come to the gate; after exec_again there is no gate. */
static inline void fixture_open(char **argv)
{
	arguments = argv + 1;
	check_arguments();
	const char *name = getenv("TIDCHECK_LEDGER"), *exec = getenv("TIDCHECK_EXEC");
	if (name)
		map_ledger(name);
	if ((name = getenv("TIDCHECK_OUT")))
		print_to(name);
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

/* Main's first call if main itself waits at the gate before it does anything. */
static inline void fixture_start(char **argv)
{
	fixture_open(argv);
	if (!execs)
		checkpoint(0);
}

#endif
