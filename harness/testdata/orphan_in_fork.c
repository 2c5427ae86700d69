/*
 * A process that has not announced itself is left alone by its parent, which announced itself.
 *
 * want: main: fork main/1, exit 0
 * want: main/1: fork main/1/1, exit 0
 * want: main/1/1: exit 0
 */
#include "process.h"

int main(int argc, char **argv)
{
	(void)argc;
	fixture_open(argv);
	uint32_t slot = claim(0), orphan = claim(slot);
	if (fork_announced(slot) == 0) {
		if (fork() == 0) {
			await(&ledger->open, 2);
			announce(orphan);
			_exit(0);
		}
		_exit(0);
	}
	must(wait(NULL) > 0, "wait");
	checkpoint(0);
	checkpoint(1);
	return 0;
}
