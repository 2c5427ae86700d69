/*
 * Asks for threads that the kernel refuses, with EINVAL and with EAGAIN, and then for one that it
 * makes.
 *
 * RLIMIT_NPROC binds neither the user root nor a task with CAP_SYS_RESOURCE, so root becomes
 * another user for the refused call. For the kernel credentials are a task's own: the raw call
 * changes those of the calling thread alone, which becomes root again by its saved user id.
 *
 * want: main: clone main/1, exit 0
 * want: main/1: exit 0
 */
#include "clone.h"
#include <sys/resource.h>

enum { other_user = 65534 };

static void *thread(void *slot)
{
	announce((uintptr_t)slot);
	printf("process: %d, thread: %ld\n", getpid(), syscall(SYS_gettid));
	return NULL;
}

static void expect_refusal(int error, int wanted)
{
	must(error == wanted, "a clone that was to be refused");
	printf("refused: %s\n", strerror(error));
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	/* The kernel makes no thread that does not share its signal handlers (copy_process in
	 * kernel/fork.c). */
	long made = raw_clone(SYS_clone, CLONE_VM | CLONE_THREAD, (long)raw_stack(show_up, NULL), 0, 0);
	expect_refusal(made < 0 ? errno : 0, EINVAL);

	struct rlimit limit, none;
	must(!getrlimit(RLIMIT_NPROC, &limit), "getrlimit");
	none = (struct rlimit){0, limit.rlim_max};
	must(!setrlimit(RLIMIT_NPROC, &none), "setrlimit");
	int is_root = geteuid() == 0;
	if (is_root) /* EINVAL: in a user namespace without this id root is another user already */
		must(!syscall(SYS_setresuid, other_user, other_user, 0) || errno == EINVAL, "setresuid");
	pthread_t id;
	expect_refusal(pthread_create(&id, NULL, thread, NULL), EAGAIN);
	if (is_root)
		must(!syscall(SYS_setresuid, 0, 0, 0), "setresuid");
	must(!setrlimit(RLIMIT_NPROC, &limit), "setrlimit");

	must(!pthread_create(&id, NULL, thread, (void *)(uintptr_t)claim(0)), "pthread_create");
	must(!pthread_join(id, NULL), "pthread_join");
	return 0;
}
