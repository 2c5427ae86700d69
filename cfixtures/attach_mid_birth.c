/*
 * Two threads are in the middle of a clone each when somebody attaches, and come to its end after he has looked for threads.
 *
 * The kernel is to write to a page that userfaultfd(2) withholds. For main/2 that is the new thread's pidfd, before /proc
 * shows that thread (for threads there is one from Linux 6.9 on); for main/3 its tid, when /proc shows it and before it may
 * run. That nobody traces the new thread from its birth, and that its birth is not announced, is settled before either
 * (kernel_clone in kernel/fork.c). So whoever attaches to the creators now finds main/2/1 by one more look, when they have
 * stopped, which they do at the end of their clones. A child process gives a creator its page when its tracer waits for
 * that stop; without a debugger, when main has passed its gate. Whoever stops the child process too waits for ever. The new
 * threads live until main has passed its gate; then it makes a thread, and one more after checkpoint 1.
 *
 * want: main: fork main/1, clone main/2..5, exit 0
 * want: main/1: exit 0
 * want: main/2..3: clone ./1, exit 0
 * want: main/2/1: exit 0
 * want: main/3/1: exit 0
 * want: main/4..5: exit 0
 * needs: linux>=6.9 userfaultfd
 * modes: attach_before detach_during
 */
#include "clone.h"
#include "process.h"
#include "stop.h"
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>

enum { hidden, shown, creators };
enum { standing = creators, over, words }; /* below them are the creators' tids */

static _Atomic uint32_t *shared;
static long size;
static char *pages; /* one a creator */

/* Pages that nobody but the holder of the file that is returned can fill. */
static int withhold(void)
{
	int faults = syscall(SYS_userfaultfd, O_CLOEXEC);
	must(faults >= 0, "userfaultfd");
	size = sysconf(_SC_PAGESIZE);
	pages = mmap(NULL, creators * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(pages != MAP_FAILED, "mmap");
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register missing = {.range = {(uintptr_t)pages, creators * size}, .mode = UFFDIO_REGISTER_MODE_MISSING};
	must(!ioctl(faults, UFFDIO_API, &api) && !ioctl(faults, UFFDIO_REGISTER, &missing), "userfaultfd's ioctl");
	return faults;
}

/*
 * In the child process. A tracer that waits for a creator to stop sleeps: after fifty looks at it asleep the page comes,
 * and after a thousand at one that never sleeps. Our own end is told to nobody before the gate is passed.
 */
static int give_late(int faults, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* should main be killed, nobody tells us to go on */
	must(getppid() == parent, "main is gone");
	for (int i = 0; i < creators; i++) {
		struct uffd_msg fault;
		do /* whom a signal comes for faults once more */
			must(read(faults, &fault, sizeof fault) == sizeof fault, "read");
		while (fault.arg.pagefault.address < (uintptr_t)pages + i * size);
		advance(&shared[standing]);
	}
	int given[creators] = {0}, traced[creators] = {0}, asleep[creators] = {0};
	while (!given[hidden] || !given[shown]) {
		poll(NULL, 0, 1); /* sleep: nobody tells that somebody attaches, or sleeps */
		for (int i = 0; i < creators; i++) {
			pid_t tracer = tracer_of(parent, shared[i]);
			traced[i] += tracer > 0;
			asleep[i] = tracer > 0 && task_state(tracer, tracer) == 'S' ? asleep[i] + 1 : 0;
			if (given[i] || !(shared[over] || asleep[i] >= 50 || traced[i] >= 1000))
				continue;
			struct uffdio_zeropage here = {.range = {(uintptr_t)pages + i * size, size}};
			must(!ioctl(faults, UFFDIO_ZEROPAGE, &here), "UFFDIO_ZEROPAGE");
			given[i] = 1;
		}
	}
	await(&shared[over], 1);
	return 0;
}

/* In the new threads, whose errno is their creator's. */
static int stay(void *slot)
{
	announce((uintptr_t)slot);
	await(&shared[over], 1);
	tidcheck_place();
	return 0;
}

static void give_birth(uint32_t self, int which, struct clone_args args)
{
	announce(self);
	shared[which] = syscall(SYS_gettid);
	uint32_t slot = claim(self);
	must(clone3_thread(stay, (void *)(uintptr_t)slot, slot, args) > 0, "clone3");
	await_end(slot);
}

static void *hide(void *self)
{
	give_birth((uintptr_t)self, hidden, (struct clone_args){.flags = CLONE_PIDFD, .pidfd = (uintptr_t)pages});
	return NULL;
}

static void *show(void *self)
{
	give_birth((uintptr_t)self, shown, (struct clone_args){.parent_tid = (uintptr_t)pages + size});
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_open(argv);
	pid_t self = getpid();
	int faults = withhold();
	shared = shared_words(words);
	uint32_t slot = claim(0);
	pid_t child = fork_announced(slot);
	if (child == 0)
		_exit(give_late(faults, self));
	must(!close(faults), "close");
	pthread_t ids[creators];
	ids[hidden] = start_thread(hide, 0);
	await(&shared[standing], 1);
	ids[shown] = start_thread(show, 0);
	await(&shared[standing], 2);
	checkpoint(0);
	advance(&shared[over]);
	for (int i = 0; i < creators; i++)
		must(!pthread_join(ids[i], NULL), "pthread_join");
	must(reap(child) == 0, "the child process");
	one_thread(0);
	checkpoint(1);
	one_thread(0);
	return 0;
}
