/*
 * Makes n threads and a process by int $0x80, the system calls of i386, whatever it is built for.
 *
 * Their numbers mean other calls to a 64-bit program: clone is 120, which is getresgid there, and
 * fork is 2, which is open. A tracer that takes the number for one of x86-64's sees no birth. Their
 * pointers have 32 bits. Checkpoint 1 is half way.
 *
 * param: n=3
 * want: main: clone main/1..n, fork main/n+1, exit 0
 * want: main/1..n: exit 0
 * want: main/n+1: exit 4
 * needs: ia32
 * modes: launch attach_before attach_during detach_during stops
 */
#include "clone.h"
#include "process.h"

#ifndef MAP_32BIT
#define MAP_32BIT 0
#endif

enum { i386_exit = 1, i386_fork = 2, i386_clone = 120 };

/* What a thread needs below 4 GiB. */
struct low {
	_Atomic uint32_t alive;
	char stack[8192];
	struct {
		int (*run)(void *);
		void *arg;
	} top;
};

/* A call of i386. Where a clone returns 0, the new thread ends with what its function returns. */
static long int80(long call, long flags, void *stack, void *child_tid)
{
	long result = -ENOSYS;
#if defined __x86_64__
	__asm__ volatile("int $0x80\n\ttest %%eax, %%eax\n\tjnz 1f\n\tcmp %[stack], %%rsp\n\tjne 1f\n\t"
			 "xor %%ebp, %%ebp\n\tpop %%rax\n\tpop %%rdi\n\tcall *%%rax\n\t"
			 "mov %%eax, %%ebx\n\tmov %[exit], %%eax\n\tint $0x80\n1:"
			 : "=a"(result)
			 : "a"(call), "b"(flags), [stack] "c"(stack), "d"(0L), "S"(0L), "D"(child_tid),
			   [exit] "i"(i386_exit)
			 : "r8", "r9", "r10", "r11", "cc", "memory");
#elif defined __i386__
	__asm__ volatile("int $0x80\n\ttest %%eax, %%eax\n\tjnz 1f\n\tcmp %[stack], %%esp\n\tjne 1f\n\t"
			 "xor %%ebp, %%ebp\n\tpop %%eax\n\tcall *%%eax\n\t"
			 "mov %%eax, %%ebx\n\tmov %[exit], %%eax\n\tint $0x80\n1:"
			 : "=a"(result)
			 : "a"(call), "b"(flags), [stack] "c"(stack), "d"(0L), "S"(0L), "D"(child_tid),
			   [exit] "i"(i386_exit)
			 : "cc", "memory");
#else
	(void)call, (void)flags, (void)stack, (void)child_tid;
#endif
	return (int)result;
}

static int act(void *slot)
{
	announce((uintptr_t)slot);
	return 0;
}

static void one_int80_thread(void)
{
	struct low *low = mmap(NULL, sizeof *low, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	must(low != MAP_FAILED, "mmap");
	low->alive = 1;
	low->top.run = act;
	low->top.arg = (void *)(uintptr_t)claim(0);
	long tid = int80(i386_clone, raw_thread | CLONE_CHILD_CLEARTID, &low->top, &low->alive);
	must(tid > 0, "clone");
	while (low->alive)
		syscall(SYS_futex, &low->alive, FUTEX_WAIT, 1, NULL, NULL, 0);
	printf("thread: %ld has ended\n", tid);
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	for (long n = param("n", "3"), i = 0; i < n; i++) {
		if (i == n / 2)
			checkpoint(1);
		one_int80_thread();
	}
	uint32_t slot = claim(0);
	long pid = int80(i386_fork, 0, NULL, NULL);
	must(pid >= 0, "fork");
	if (pid == 0) {
		announce(slot);
		_exit(4);
	}
	printf("process: %ld ended with %d\n", pid, reap(pid));
	return 0;
}
