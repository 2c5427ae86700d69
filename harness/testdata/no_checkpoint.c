/*
 * Makes a thread, and comes to no checkpoint.
 *
 * want: main: clone main/1, exit 0
 * want: main/1: exit 0
 * modes: launch attach_during detach_during stops
 */
#include "fixture.h"

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	one_thread(0);
	return 0;
}
