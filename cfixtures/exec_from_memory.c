/*
 * Executes a copy of itself that is in memory only (memfd_create(2)); the new program makes n
 * threads, which live until its end.
 *
 * /proc/PID/exe names a file that does not exist, as when a running program's file was replaced.
 * Checkpoint 1 is in the new program. One more thread comes and goes before it, and one after.
 *
 * param: n=3
 * want: main: exec, clone main/1..n+2, exit 0
 * want: main/1..n+2: exit 0
 * modes: launch attach_before attach_during detach_during stops
 */
#include "process.h"

static _Atomic uint32_t over;

static void *thread(void *slot)
{
	announce((uintptr_t)slot);
	await(&over, 1);
	return NULL;
}

static int copy_of_this_program(void)
{
	static char bytes[1 << 16];
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int to = syscall(SYS_memfd_create, "copy", 1 /* MFD_CLOEXEC */);
	must(from >= 0 && to >= 0, "memfd_create");
	for (ssize_t size; (size = read(from, bytes, sizeof bytes)) != 0;)
		must(size > 0 && write(to, bytes, size) == size, "copy");
	must(!close(from), "close");
	return to;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	if (!execs)
		exec_image(copy_of_this_program(), argv, 0);
	long n = param("n", "3");
	pthread_t *ids = calloc(n, sizeof *ids);
	must(ids != NULL, "calloc");
	for (long i = 0; i < n; i++)
		ids[i] = make_thread(thread, main_slot);
	one_thread(main_slot);
	checkpoint(1);
	one_thread(main_slot);
	advance(&over);
	for (long i = 0; i < n; i++)
		must(!pthread_join(ids[i], NULL), "pthread_join");
	free(ids);
	char image[64] = "";
	must(readlink("/proc/self/exe", image, sizeof image - 1) > 0, "readlink");
	printf("process: %d executes %s\n", getpid(), image);
	return 0;
}
