/*
 * A seccomp filter ends one thread of a process, which lives on.
 *
 * 1. A thread sets a filter for itself and makes the call that the filter answers with
 *    SECCOMP_RET_KILL_THREAD.
 * 2. The kernel ends that thread alone. Its wait status reads "killed by SIGSYS", as it would if
 *    a signal had ended the whole process (__seccomp_filter in kernel/seccomp.c).
 * 3. The other threads live on. Only the leader's wait status, when no thread is left, tells of the
 *    process's end.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHECK(done) ((done) ? (void)0 : (perror(#done), exit(2)))

static void *victim(void *unused)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_THREAD),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof code / sizeof *code, code};
	CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHECK(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
	syscall(SYS_getppid);
	CHECK(!"the thread lives on");
	return unused;
}

int main(void)
{
	pthread_t thread;
	CHECK(!pthread_create(&thread, NULL, victim, NULL));
	CHECK(!pthread_join(thread, NULL));
	usleep(200000); // sleep: the thread's end is told to its tracer
	puts("good: the process came to its end");
	return 0;
}
