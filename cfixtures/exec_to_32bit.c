/*
 * A child process, and then main, execute a program for i386, which makes a thread that ends the
 * process with 5.
 *
 * With the program the registers change, and the numbers of the system calls. It is in memory only
 * (memfd_create(2)), and has no ledger: the kernel's own account alone has its threads.
 *
 * want: main: fork main/1, exec, clone main/2, exit 5
 * want: main/1: exec, clone ./1, exit 5
 * want: main/1/1: exit 5
 * want: main/2: exit 5
 * needs: ia32 witness
 */
#include "process.h"
#include <elf.h>

#if defined __x86_64__ || defined __i386__
/* clone(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM), with a
 * stack below the caller's; then pause() for ever, and in the thread exit_group(5). */
__asm__(".pushsection .rodata\n\t.code32\n"
	"i386_code:\n\t"
	"movl $120, %eax\n\tmovl $0x50f00, %ebx\n\tleal -4096(%esp), %ecx\n\t"
	"xorl %edx, %edx\n\txorl %esi, %esi\n\txorl %edi, %edi\n\tint $0x80\n\t"
	"testl %eax, %eax\n\tjz 2f\n"
	"1:\tmovl $29, %eax\n\tint $0x80\n\tjmp 1b\n"
	"2:\tmovl $252, %eax\n\tmovl $5, %ebx\n\tint $0x80\n"
	"i386_end:\n\t"
#ifdef __x86_64__
	".code64\n\t"
#endif
	".popsection");
extern const char i386_code[], i386_end[];
#else
static const char i386_code[1], *const i386_end = i386_code + 1;
#endif

/* An open file with the program: the ELF header, a segment that holds the whole file, the code. */
static int i386_program(void)
{
	enum { at = 0x8048000 };
	struct {
		Elf32_Ehdr elf;
		Elf32_Phdr segment;
		char code[64];
	} p = {
		.elf = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
			.e_type = ET_EXEC,
			.e_machine = EM_386,
			.e_version = EV_CURRENT,
			.e_entry = at + sizeof p.elf + sizeof p.segment,
			.e_phoff = sizeof p.elf,
			.e_ehsize = sizeof p.elf,
			.e_phentsize = sizeof p.segment,
			.e_phnum = 1},
		.segment = {.p_type = PT_LOAD,
			    .p_vaddr = at,
			    .p_paddr = at,
			    .p_filesz = sizeof p,
			    .p_memsz = sizeof p,
			    .p_flags = PF_R | PF_X,
			    .p_align = 4096},
	};
	size_t length = i386_end - i386_code;
	int image = syscall(SYS_memfd_create, "i386", 1 /* MFD_CLOEXEC */);
	must(image >= 0 && length <= sizeof p.code, "memfd_create");
	memcpy(p.code, i386_code, length);
	must(write(image, &p, sizeof p) == sizeof p, "write");
	return image;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	int image = i386_program();
	uint32_t slot = claim(0);
	pid_t pid = fork_announced(slot);
	if (pid == 0)
		exec_image(image, argv, slot);
	printf("process: %d ended with %d\n", pid, reap(pid));
	exec_image(image, argv, 0);
}
