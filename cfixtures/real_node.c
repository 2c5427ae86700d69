/*
 * Becomes node with n workers, which are threads, and as many commands.
 *
 * A real program has no ledger: only the kernel's account says which tasks came and went.
 *
 * param: n=2
 * want: main: at least n clone *, exit 0
 * want: *: at least 2*n exit 0
 * needs: command:node witness
 * set: long
 */
#include "fixture.h"

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	char n[32];
	snprintf(n, sizeof n, "%lld", param("n", "2"));
	execlp("node", "node", "-e",
	       "const { Worker } = require('worker_threads');"
	       "const { execFile } = require('child_process');"
	       "for (let i = 0; i < process.argv[1]; i++) {"
	       "  new Worker('0', { eval: true });"
	       "  execFile('true', e => { if (e) throw e; });"
	       "}",
	       n, NULL);
	must(0, "node");
}
