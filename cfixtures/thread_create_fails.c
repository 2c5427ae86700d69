/*
 * Asks for threads that the kernel refuses, with EINVAL and with EAGAIN, and then for one that it makes.
 *
 * RLIMIT_NPROC does not bind the user root, nor who has CAP_SYS_RESOURCE, so root
 * becomes another user for the refused call. Credentials are a task's own for the kernel: the raw
 * call changes those of the calling thread alone, and it comes back by its saved user id.
 *
 * want: main: clone main/1, exit 0
 * want: main/1: exit 0
 */
#include "clone.h"
#include <sys/resource.h>

enum { nobody = 65534 };

static void *thread(void *slot)
{
	announce((uintptr_t)slot);
	printf("process: %d, thread: %ld\n", getpid(), syscall(SYS_gettid));
	return NULL;
}

static void refused(int error, int wanted)
{
	must(error == wanted, "a clone that was to be refused");
	printf("refused: %s\n", strerror(error));
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	/* Threads share their signal handlers, or there are none (copy_process in kernel/fork.c). */
	must(raw_clone(SYS_clone, CLONE_VM | CLONE_THREAD, (long)raw_stack(show_up, NULL), 0, 0) < 0, "a clone that was to be refused");
	refused(errno, EINVAL);

	struct rlimit limit, none;
	must(!getrlimit(RLIMIT_NPROC, &limit), "getrlimit");
	none = (struct rlimit){0, limit.rlim_max};
	must(!setrlimit(RLIMIT_NPROC, &none), "setrlimit");
	int root = geteuid() == 0;
	/* EINVAL: in a user namespace without this id root is another user already. */
	if (root)
		must(!syscall(SYS_setresuid, nobody, nobody, 0) || errno == EINVAL, "setresuid");
	pthread_t id;
	refused(pthread_create(&id, NULL, thread, NULL), EAGAIN);
	if (root)
		must(!syscall(SYS_setresuid, 0, 0, 0), "setresuid");
	must(!setrlimit(RLIMIT_NPROC, &limit), "setrlimit");

	must(!pthread_create(&id, NULL, thread, (void *)(uintptr_t)claim(0)), "pthread_create");
	must(!pthread_join(id, NULL), "pthread_join");
	return 0;
}
