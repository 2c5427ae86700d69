/*
 * Tasks made by the bare system calls clone and clone3. They have no libc, and no TLS but their
 * creator's.
 */
#ifndef TIDCHECK_CLONE_H
#define TIDCHECK_CLONE_H

#include "fixture.h"

enum {
	raw_thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM,
	raw_stack_size = 16384
};

/*
 * A clone or clone3 whose task has a stack of its own (raw_stack). The task calls the function at
 * the stack's top and ends with the status that it returns. The function must not call anything
 * that needs TLS of its own. Returns the new task's id, or -1 with errno. clone's last two
 * arguments, child_tid and tls (0 here), come in this order on x86-64 only (clone(2)).
 */
static inline long raw_clone(long call, long a, long b, long c, long child_tid)
{
#if defined __x86_64__
	long result;
	register long d __asm__("r10") = child_tid, e __asm__("r8") = 0;
	__asm__ volatile("syscall\n\ttest %%rax, %%rax\n\tjnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\tpop %%rax\n\tpop %%rdi\n\tcall *%%rax\n\t"
			 "mov %%eax, %%edi\n\tmov %[exit], %%eax\n\tsyscall\n1:"
			 : "=a"(result)
			 : "a"(call), "D"(a), "S"(b), "d"(c), "r"(d), "r"(e), [exit] "i"(SYS_exit)
			 : "rcx", "r11", "cc", "memory");
#elif defined __i386__
	long result;
	__asm__ volatile("int $0x80\n\ttest %%eax, %%eax\n\tjnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\tpop %%eax\n\tcall *%%eax\n\t"
			 "mov %%eax, %%ebx\n\tmov %[exit], %%eax\n\tint $0x80\n1:"
			 : "=a"(result)
			 : "a"(call), "b"(a), "c"(b), "d"(c), "S"(0), "D"(child_tid), [exit] "i"(SYS_exit)
			 : "cc", "memory");
#elif defined __aarch64__
	register long x8 __asm__("x8") = call;
	register long x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = 0, x4 __asm__("x4") = child_tid;
	__asm__ volatile("svc #0\n\tcbnz x0, 1f\n\t"
			 "mov x29, xzr\n\tldp x1, x0, [sp], #16\n\tblr x1\n\t"
			 "mov x8, %[exit]\n\tsvc #0\n1:"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), [exit] "i"(SYS_exit)
			 : "cc", "memory");
	long result = x0;
#else
	long result = (void)call, (void)a, (void)b, (void)c, (void)child_tid, -ENOSYS;
#endif
	if (result >= 0)
		return result;
	errno = -result;
	return -1;
}

/* Makes a stack for a raw clone. On it are the function that the task is to call, and its argument.
 * Returns the stack pointer that the task begins with. */
static inline char *raw_stack(int (*run)(void *), void *arg)
{
	char *memory = mmap(NULL, raw_stack_size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(memory != MAP_FAILED, "mmap");
	void **top = (void **)(memory + raw_stack_size) - 2;
	top[0] = (void *)run;
	top[1] = arg;
	return (char *)top;
}

/*
 * Makes a task by clone(2) in the slot that was claimed for it. The kernel writes its tid there
 * before it runs, so that a task that dies at once is known too. Returns what raw_clone does.
 */
static inline long clone_task(long flags, int (*run)(void *), void *arg, uint32_t slot)
{
	struct slot *s = slot_at(slot);
	note_place(s);
	s->alive = 1;
	s->pid = flags & CLONE_THREAD ? getpid() : 0;
	long tid = raw_clone(SYS_clone, flags | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID,
			     (long)raw_stack(run, arg), (long)&s->tid, (long)&s->alive);
	if (!(flags & CLONE_THREAD) && tid > 0)
		s->pid = tid;
	return tid;
}

/* Makes a thread by clone3(2), likewise. args may have further flags and their arguments; with a
 * parent_tid of its own, the task must announce itself. */
static inline long clone3_thread(int (*run)(void *), void *arg, uint32_t slot,
				 struct clone_args args)
{
	struct slot *s = slot_at(slot);
	char *top = raw_stack(run, arg);
	args.flags |= raw_thread | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
	if (!args.parent_tid)
		args.parent_tid = (uintptr_t)&s->tid;
	args.child_tid = (uintptr_t)&s->alive;
	args.stack = (uintptr_t)top + 2 * sizeof(void *) - raw_stack_size;
	args.stack_size = raw_stack_size - 2 * sizeof(void *);
	note_place(s);
	s->alive = 1;
	s->pid = getpid();
	long made = raw_clone(SYS_clone3, (long)&args, sizeof args, 0, 0);
	if (made < 0) /* another try gets another stack */
		munmap((void *)(uintptr_t)args.stack, raw_stack_size);
	return made;
}

/* For a raw task: writes to the memory that it shares with its creator, and ends. */
static inline int show_up(void *seen)
{
	*(_Atomic int *)seen = 1;
	return 0;
}

/* For a raw task: ends at once. */
static inline int end_at_once(void *arg)
{
	(void)arg;
	return 0;
}

/* Makes a thread that runs show_up, by clone with further flags, and waits for its end. */
static inline void one_raw_thread(long flags)
{
	_Atomic int seen = 0;
	uint32_t slot = claim(0);
	long tid = clone_task(raw_thread | flags, show_up, &seen, slot);
	must(tid > 0, "clone");
	await_end(slot);
	printf("process: %d, thread: %ld, it ran: %d\n", getpid(), tid, seen);
}

#endif
