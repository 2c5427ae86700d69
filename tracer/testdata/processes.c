/* Forks a child that ends with 3, and vforks one that executes this program to end with 4. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int code_of(pid_t child)
{
	int status;

	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	pid_t child;

	if (argc == 2)
		return atoi(argv[1]);
	child = fork();
	if (child == 0)
		_exit(3);
	if (code_of(child) != 3)
		return 1;
	child = vfork();
	if (child == 0) {
		execl("/proc/self/exe", argv[0], "4", (char *)NULL);
		_exit(1);
	}
	if (code_of(child) != 4)
		return 1;
	return 0;
}
