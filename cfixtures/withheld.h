/*
 * Pages that userfaultfd(2) withholds: a task that writes to one, also by a system call, waits
 * in the middle of that write until the page is given.
 */
#ifndef TIDCHECK_WITHHELD_H
#define TIDCHECK_WITHHELD_H

#include "fixture.h"
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>

/* Makes pages of the calling process, and a descriptor by which another task can see the writes and
 * give the pages. */
static inline char *withhold(int count, int *faults)
{
	long size = count * sysconf(_SC_PAGESIZE);
	must((*faults = syscall(SYS_userfaultfd, O_CLOEXEC)) >= 0, "userfaultfd");
	char *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(pages != MAP_FAILED, "mmap");
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register missing = {.range = {(uintptr_t)pages, size}};
	missing.mode = UFFDIO_REGISTER_MODE_MISSING;
	must(!ioctl(*faults, UFFDIO_API, &api), "UFFDIO_API");
	must(!ioctl(*faults, UFFDIO_REGISTER, &missing), "UFFDIO_REGISTER");
	return pages;
}

/* Waits for a write to such a page; returns the page's address. */
static inline uintptr_t await_fault(int faults)
{
	struct uffd_msg fault;
	must(read(faults, &fault, sizeof fault) == sizeof fault, "read");
	return fault.arg.pagefault.address;
}

/* Gives a page: the write to it goes on. */
static inline void give_page(int faults, char *page)
{
	struct uffdio_zeropage here = {.range = {(uintptr_t)page, sysconf(_SC_PAGESIZE)}};
	must(!ioctl(faults, UFFDIO_ZEROPAGE, &here), "UFFDIO_ZEROPAGE");
}

#endif
