/*
 * A thread executes the program anew while another waits for its vfork's child, which lives on.
 *
 * The exec ends the thread that vforked, so the vfork is never reported as done
 * (PTRACE_EVENT_VFORK_DONE). Its child keeps the old program's memory. The new program makes a
 * thread, has the child end by a byte that it writes to its standard input, a pipe, and waits for
 * it.
 *
 * want: main: clone main/1..2, exit 0
 * want: main/1: vfork ./1, exit 0
 * want: main/1/1: exit 3
 * want: main/2: exec, clone ./1, exit 4
 * want: main/2/1: exit 0
 */
#include "process.h"

static _Atomic uint32_t there;

static void *vforker(void *arg)
{
	uint32_t slot = (uintptr_t)arg, own = claim(slot);
	int ends[2];
	char byte;
	announce(slot);
	must(!pipe(ends) && dup2(ends[1], 0) == 0 && !close(ends[1]), "a pipe");
	pid_t pid = vfork();
	if (pid == 0) {
		announce(own);
		close(0);
		advance(&there);
		_exit(read(ends[0], &byte, 1) == 1 ? 3 : 99);
	}
	must(0, "the vfork came to its end");
	return NULL;
}

static void *executor(void *slot)
{
	announce((uintptr_t)slot);
	await(&there, 1);
	exec_again((uintptr_t)slot);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	if (execs) {
		int status;
		one_thread(main_slot);
		must(write(0, "", 1) == 1, "write");
		pid_t pid = wait(&status);
		must(pid > 0 && WIFEXITED(status), "wait");
		printf("process: %d ended with %d\n", pid, WEXITSTATUS(status));
		return 4;
	}
	make_thread(vforker, 0);
	start_thread(executor, 0);
	park();
}
