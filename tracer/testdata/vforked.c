/* Vforks a child that waits for the end of standard input, and ends with 23 after it. */
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	int status;
	pid_t child = vfork();

	if (child == 0) {
		char byte;

		_exit(write(1, "ready\n", 6) != 6 || read(0, &byte, 1) != 0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
		return 1;
	return 23;
}
