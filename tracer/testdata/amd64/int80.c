/*
 * An x86-64 program that makes a thread and a process by the system calls of 32-bit programs, int
 * 0x80. They have other numbers: clone is 120, fork is 2 and exit is 1. Ends with 5.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CLONE = 120, FORK = 2, EXIT = 1 };

/* The newcomer ends at once, and has no stack of ours to return on. */
static int make(int number, int flags, uint32_t stack, uint32_t cleared, int code)
{
	int result;

	__asm__ volatile("int $0x80\n\t"
			 "test %%eax, %%eax\n\t"
			 "jnz 1f\n\t"
			 "mov %[exit], %%eax\n\t"
			 "mov %[code], %%ebx\n\t"
			 "int $0x80\n"
			 "1:"
			 : "=a"(result)
			 : "a"(number), "b"(flags), "c"(stack), "d"(0), "S"(0), "D"(cleared),
			   [exit] "i"(EXIT), [code] "r"(code)
			 : "memory", "cc", "r8", "r9", "r10", "r11");
	return result;
}

int main(void)
{
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			  CLONE_SYSVSEM | CLONE_CHILD_CLEARTID;
	const size_t size = 1 << 14;
	char *low = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	volatile pid_t *gone = (volatile pid_t *)low;
	int status;
	pid_t child;

	if (low == MAP_FAILED)
		return 1;
	*gone = 1; /* the kernel clears it, and wakes us, when the thread has ended */
	if (make(CLONE, flags, (uint32_t)(uintptr_t)(low + size), (uint32_t)(uintptr_t)low, 6) < 0)
		return 1;
	while (*gone)
		syscall(SYS_futex, gone, FUTEX_WAIT, 1, NULL, NULL, 0);
	child = make(FORK, 0, 0, 0, 3);
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) ||
	    WEXITSTATUS(status) != 3)
		return 1;
	return 5;
}
