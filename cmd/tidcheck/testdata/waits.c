/*
 * waits term: ends with 7 at SIGTERM. waits deaf: ignores SIGTERM. Both print "ready", and end
 * with 23 at the end of their input.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

static void on_term(int signal)
{
	(void)signal;
	_exit(7);
}

int main(int argc, char **argv)
{
	char byte;

	if (argc != 2 || signal(SIGTERM, strcmp(argv[1], "deaf") ? on_term : SIG_IGN) == SIG_ERR)
		return 99;
	if (write(1, "ready\n", 6) != 6)
		return 99;
	while (read(0, &byte, 1) > 0)
		;
	return 23;
}
