/*
 * A thread reads a page that userfaultfd(2) withholds, by process_vm_readv(2). So it sleeps in D;
 * at a page fault of its own it would sleep in S. A child process gives the page when a byte of
 * standard input comes. Says when it is ready; ends with 23 at the end of its input, and with 77
 * if the kernel does not allow that.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { page = 4096 };

static char *withheld;

static void must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		_exit(77);
	}
}

static void *reader(void *arg)
{
	char byte;
	struct iovec to = {&byte, 1}, from = {withheld, 1};

	must(process_vm_readv(getpid(), &to, 1, &from, 1, 0) == 1, "process_vm_readv");
	return arg;
}

/* Each of the two readers of standard input takes one byte, or its end. */
static void give(int faults)
{
	struct uffdio_zeropage zero = {.range = {(unsigned long)withheld, page}};
	char byte;

	if (read(0, &byte, 1) == 1)
		must(ioctl(faults, UFFDIO_ZEROPAGE, &zero) == 0, "UFFDIO_ZEROPAGE");
	_exit(0);
}

int main(void)
{
	struct uffdio_api api = {.api = UFFD_API};
	pthread_t thread;
	char byte;

	int faults = syscall(SYS_userfaultfd, O_CLOEXEC);
	must(faults >= 0, "userfaultfd");
	withheld = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(withheld != MAP_FAILED, "mmap");
	struct uffdio_register missing = {
		.range = {(unsigned long)withheld, page},
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	must(ioctl(faults, UFFDIO_API, &api) == 0, "UFFDIO_API");
	must(ioctl(faults, UFFDIO_REGISTER, &missing) == 0, "UFFDIO_REGISTER");
	pid_t giver = fork();
	must(giver >= 0, "fork");
	if (giver == 0)
		give(faults);
	must(pthread_create(&thread, NULL, reader, NULL) == 0, "pthread_create");
	must(write(1, "ready\n", 6) == 6, "write");
	must(pthread_join(thread, NULL) == 0, "pthread_join");
	return read(0, &byte, 1) == 0 ? 23 : 1;
}
