/*
 * A program's own seccomp filter asks a tracer about a call, and no tracer offers to answer.
 *
 * 1. The filter answers getppid with SECCOMP_RET_TRACE. Without a tracer that has set
 *    PTRACE_O_TRACESECCOMP the kernel does not make the call: it is ENOSYS (seccomp(2)).
 * 2. A tracer that sets PTRACE_O_TRACESECCOMP for a filter of its own is asked about this call too,
 *    with the data of the program's filter (PTRACE_GETEVENTMSG).
 * 3. If it goes on as for its own filter, the call is made, and the program goes another way than
 *    without it.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHECK(done) ((done) ? (void)0 : (perror(#done), exit(2)))

int main(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE | 16),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof code / sizeof *code, code};
	CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHECK(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
	if (syscall(SYS_getppid) >= 0)
		puts("BAD: the call was made that is ENOSYS without a tracer");
	else
		puts(errno == ENOSYS ? "good: the call is ENOSYS" : "another error");
	return 0;
}
