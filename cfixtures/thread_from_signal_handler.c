/*
 * Sends itself SIGUSR1 twice, and makes a thread in the handler each time.
 *
 * The handler makes it by the bare system call clone, since pthread_create must not be called
 * there.
 *
 * want: main: signal SIGUSR1, clone main/1, signal SIGUSR1, clone main/2, exit 0
 * want: main/1..2: exit 0
 */
#include "clone.h"
#include <signal.h>

static volatile uint32_t slot;

static void handle(int signal)
{
	(void)signal;
	ledger->slots[0].handled++;
	slot = claim(0);
	must(clone_task(raw_thread, end_at_once, NULL, slot) > 0, "clone");
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
	must(!sigaction(SIGUSR1, &action, NULL), "sigaction");
	for (int i = 0; i < 2; i++) {
		slot = 0;
		send_signal(0, getpid(), SIGUSR1);
		must(slot != 0, "the signal was not handled");
		await_end(slot);
		printf("process: %d, thread: %u\n", getpid(), ledger->slots[slot].tid);
	}
	return 0;
}
