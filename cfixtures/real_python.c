/*
 * Becomes python with n threads, each of which runs two commands, one after the other.
 *
 * A real program has no ledger: only the kernel's account says which tasks came and went.
 *
 * param: n=4
 * want: main: at least n clone *, exit 0
 * want: *: at least 2*n vfork *, at least 3*n exit 0
 * needs: command:python3 witness
 * set: long
 */
#include "fixture.h"

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	char n[32];
	snprintf(n, sizeof n, "%lld", param("n", "4"));
	execlp("python3", "python3", "-c",
	       "import subprocess, sys, threading\n"
	       "def work():\n"
	       "    for _ in range(2):\n"
	       "        subprocess.run(['true'], check=True)\n"
	       "threads = [threading.Thread(target=work) for _ in range(int(sys.argv[1]))]\n"
	       "for t in threads: t.start()\n"
	       "for t in threads: t.join()\n",
	       n, NULL);
	must(0, "python3");
}
