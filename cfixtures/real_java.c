/*
 * Becomes a JVM, which compiles and runs a program of n threads, each of which runs a command.
 *
 * A real program has no ledger: only the kernel's account says which tasks came and went.
 *
 * param: n=4
 * want: *: at least 2*n clone *, at least 2*n exit 0
 * needs: command:java command:javac witness
 * set: long
 */
#include "fixture.h"

int main(int argc, char **argv)
{
	(void)argc;
	fixture_start(argv);
	int file = syscall(SYS_memfd_create, "A.java", 0); /* java opens it by /proc/PID/fd */
	must(file >= 0, "memfd_create");
	int length = dprintf(file,
		"class A {\n"
		"    static void work() {\n"
		"        try { new ProcessBuilder(\"true\").start().waitFor(); }\n"
		"        catch (Exception e) { System.exit(1); }\n"
		"    }\n"
		"    public static void main(String[] args) throws Exception {\n"
		"        Thread[] threads = new Thread[%lld];\n"
		"        for (int i = 0; i < threads.length; i++) {\n"
		"            threads[i] = new Thread(A::work);\n"
		"            threads[i].start();\n"
		"        }\n"
		"        for (Thread t : threads) t.join();\n"
		"    }\n"
		"}\n",
		param("n", "4"));
	must(length > 0, "dprintf");
	char name[32];
	snprintf(name, sizeof name, "/proc/%d/fd/%d", getpid(), file);
	execlp("java", "java", "-XX:-UsePerfData", "--source", "17", name, NULL);
	must(0, "java");
}
