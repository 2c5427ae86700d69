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

#include <dirent.h>
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
#include <sys/wait.h>
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
	_Atomic uint32_t hosts;    /* slots, from the last one down, of threads of fixtures/host, which may have called main */
	uint32_t unused[11];
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

/* Announces another task, which cannot do it itself. */
static inline void announce_other(uint32_t slot, pid_t pid, pid_t tid)
{
	if (slot >= ledger->capacity)
		return;
	ledger->slots[slot].pid = pid;
	ledger->slots[slot].tid = tid;
	syscall(SYS_futex, &ledger->slots[slot].tid, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* Called by the new task, with the slot that its creator claimed for it. */
static inline void announce(uint32_t slot)
{
	announce_other(slot, syscall(SYS_getpid), syscall(SYS_gettid));
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
static inline void *parked_thread(void *slot)
{
	announce((uintptr_t)slot);
	park();
	return NULL;
}

/*
 * A raw clone or clone3 whose task has a stack of its own: at its top are a function and its
 * argument; the task calls it and ends with the status that it returns. It has no libc: no TLS but
 * its creator's, so the function calls nothing. An error is -1 and errno. x86-64 takes clone's
 * last two arguments in the other order than arm64.
 */
static inline long raw_clone(long call, long a, long b, long c, long tls, long child_tid)
{
#if defined __x86_64__
	long result;
	register long d __asm__("r10") = child_tid, e __asm__("r8") = tls;
	__asm__ volatile("syscall\n\ttest %%rax, %%rax\n\tjnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\tpop %%rax\n\tpop %%rdi\n\tcall *%%rax\n\t"
			 "mov %%eax, %%edi\n\tmov %[exit], %%eax\n\tsyscall\n1:"
			 : "=a"(result)
			 : "a"(call), "D"(a), "S"(b), "d"(c), "r"(d), "r"(e), [exit] "i"(SYS_exit)
			 : "rcx", "r11", "cc", "memory");
#elif defined __aarch64__
	register long x8 __asm__("x8") = call, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = tls, x4 __asm__("x4") = child_tid;
	__asm__ volatile("svc #0\n\tcbnz x0, 1f\n\t"
			 "mov x29, xzr\n\tldp x1, x0, [sp], #16\n\tblr x1\n\t"
			 "mov x8, %[exit]\n\tsvc #0\n1:"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), [exit] "i"(SYS_exit)
			 : "cc", "memory");
	long result = x0;
#else
	long result = (void)call, (void)a, (void)b, (void)c, (void)tls, (void)child_tid, -ENOSYS;
#endif
	if (result >= 0)
		return result;
	errno = -result;
	return -1;
}

/* A stack of size bytes for a raw clone, with what its task is to call. It returns the stack's top. */
static inline char *raw_stack(long size, int (*run)(void *), void *arg)
{
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(memory != MAP_FAILED, "mmap");
	void **top = (void **)(memory + size) - 2;
	top[0] = (void *)run;
	top[1] = arg;
	return (char *)top;
}

/*
 * Makes a task by clone(2) in the slot that was claimed for it. The kernel announces it, before
 * it runs, so that one that dies at once is known too.
 */
static inline long clone_task(long flags, int (*run)(void *), void *arg, uint32_t slot)
{
	must(slot < ledger->capacity, "the ledger is full");
	struct slot *s = &ledger->slots[slot];
	s->alive = 1;
	s->pid = flags & CLONE_THREAD ? getpid() : 0;
	long tid = raw_clone(SYS_clone, flags | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID,
			     (long)raw_stack(16384, run, arg), (long)&s->tid, 0, (long)&s->alive);
	if (!(flags & CLONE_THREAD) && tid > 0)
		s->pid = tid;
	return tid;
}

enum { raw_thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM };

/* Sends a signal to one task of this process, which counts it in its slot when it comes. */
static inline void send_signal(uint32_t slot, int tid, int signal)
{
	if (slot < ledger->capacity)
		ledger->slots[slot].sent++;
	must(!syscall(SYS_tgkill, getpid(), tid, signal), "tgkill");
}

/* Waits until a word that others advance, threads or processes, is at least so much. */
static inline void await(_Atomic uint32_t *word, uint32_t least)
{
	for (uint32_t now; (now = atomic_load(word)) < least;)
		syscall(SYS_futex, word, FUTEX_WAIT, now, NULL, NULL, 0);
}

/* Adds one to a word that others await. */
static inline void advance(_Atomic uint32_t *word)
{
	atomic_fetch_add(word, 1);
	syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* Tells the harness that the program has come to a checkpoint. */
static inline void reach(uint32_t number)
{
	atomic_store(&ledger->reached, number + 1);
	syscall(SYS_futex, &ledger->reached, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* Parks until the harness lets the program pass this checkpoint; 0 is the gate. */
static inline void checkpoint(uint32_t number)
{
	reach(number);
	await(&ledger->open, number + 1);
}

/* Words, all 0, that a process shares with those that it makes. */
static inline _Atomic uint32_t *shared_words(size_t count)
{
	void *words = mmap(NULL, count * sizeof(uint32_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(words != MAP_FAILED, "mmap");
	return words;
}

/* As fork(2); the new process has announced itself, in the slot that was claimed for it. */
static inline pid_t fork_announced(uint32_t slot)
{
	pid_t pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0)
		announce(slot);
	return pid;
}

/* Waits for the end of a child process, which is its own; returns its exit code. */
static inline int reap(pid_t pid)
{
	int status;
	pid_t got;
	while ((got = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
		;
	must(got == pid && WIFEXITED(status), "waitpid");
	return WEXITSTATUS(status);
}

/* Makes a thread that does act with its slot, a uintptr_t, as its argument. */
static inline pthread_t start_thread(void *(*act)(void *), uint32_t creator)
{
	pthread_t id;
	uintptr_t slot = claim(creator);
	must(!pthread_create(&id, NULL, act, (void *)slot), "pthread_create");
	return id;
}

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

/* A task's state letter in proc(5); 0 where there is no such task. */
static inline char task_state(pid_t pid, pid_t tid)
{
	char name[64], text[256] = "";
	snprintf(name, sizeof name, "/proc/%d/task/%d/stat", pid, tid);
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t size = read(fd, text, sizeof text - 1); /* ESRCH: it has just ended */
	close(fd);
	char *end = size > 0 ? strrchr(text, ')') : NULL; /* the name before it may hold anything */
	return end ? end[2] : 0;
}

/* Tells whether each task of a process is in one of these states. */
static inline int all_in(pid_t pid, const char *states)
{
	char name[64];
	snprintf(name, sizeof name, "/proc/%d/task", pid);
	DIR *tasks = opendir(name);
	must(tasks != NULL, name);
	int all = 1;
	for (struct dirent *task; all && (task = readdir(tasks));) {
		char state = task->d_name[0] == '.' ? states[0] : task_state(pid, atoi(task->d_name));
		all = state && strchr(states, state);
	}
	closedir(tasks);
	return all;
}

/*
 * Waits until all tasks of a process stand, in a hundred looks one after the other, since one may
 * fall into a tracer's own stop; or until the word, which they change when they go on, is not now.
 */
static inline void await_stop(pid_t pid, _Atomic uint32_t *word, uint32_t now)
{
	for (int looks = 0; looks < 100 && *word == now; looks = all_in(pid, "Tt") ? looks + 1 : 0)
		sched_yield(); /* its parent alone is told of a stop */
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

/* The first act of main: it is announced in slot 0. Some task of the program is to come to the gate
 * then; after an exec there is none. */
static inline void fixture_open(char **argv)
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
}

/* The first act of a main that waits at the gate itself, before it does anything. */
static inline void fixture_start(char **argv)
{
	fixture_open(argv);
	if (!execs)
		checkpoint(0);
}

#endif
