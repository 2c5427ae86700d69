/*
 * Asks pthread_create for a thread on no CPU at all, which fails after the kernel has made the
 * thread.
 *
 * glibc makes the thread, is refused its CPUs, and has it end before it has called any code of the
 * program. A debugger sees a short life where the program sees an error. That thread cannot
 * announce itself, so only the kernel's account knows of it.
 *
 * want: main: clone main/1..2, exit 0
 * want: main/1..2: exit 0
 * needs: witness
 */
#define _GNU_SOURCE
#include "fixture.h"

static void *thread(void *slot)
{
	announce((uintptr_t)slot);
	printf("process: %d, thread: %ld\n", getpid(), syscall(SYS_gettid));
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	cpu_set_t none;
	CPU_ZERO(&none);
	pthread_attr_t attr;
	pthread_t id;
	must(!pthread_attr_init(&attr), "pthread_attr_init");
	must(!pthread_attr_setaffinity_np(&attr, sizeof none, &none), "pthread_attr_setaffinity_np");
	int error = pthread_create(&id, &attr, thread, NULL);
	must(error == EINVAL, "pthread_create, which was to fail");
	printf("pthread_create: %s\n", strerror(error));
	must(!pthread_create(&id, NULL, thread, (void *)(uintptr_t)claim(0)), "pthread_create");
	must(!pthread_join(id, NULL), "pthread_join");
	return 0;
}
