/*
 * Main and n threads wait, and the whole process is killed by SIGKILL.
 *
 * A thread comes and goes before checkpoint 1, and one after. Main parks at checkpoint 2, where a
 * debugger may hold all tasks and the process may be killed from outside; if it is not, it kills
 * itself.
 *
 * param: n=4
 * want: main: clone main/1..n+2, killed SIGKILL
 * want: main/1..n: killed SIGKILL
 * want: main/n+1..n+2: exit 0
 * modes: launch attach_before attach_during detach_during stops killed
 * set: quick
 */
#include "fixture.h"
#include <signal.h>

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	for (long n = param("n", "4"); n > 0; n--)
		make_thread(parked_thread, 0);
	printf("process: %d, may be killed\n", getpid());
	one_thread(0);
	checkpoint(1);
	one_thread(0);
	checkpoint(2);
	must(!kill(getpid(), SIGKILL), "kill");
	park();
}
