/*
 * Main ends the process on the way from checkpoint 1 to 2, with a thread parked.
 *
 * want: main: clone main/1, exit 7
 * want: main/1: exit 7
 * modes: launch attach_during stepped
 */
#include "fixture.h"

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	make_thread(parked_thread, 0);
	checkpoint(1);
	syscall(SYS_exit_group, 7);
	checkpoint(2);
}
