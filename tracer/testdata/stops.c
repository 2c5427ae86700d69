/*
 * Forks a child that stops itself; sees it stopped, notes that in shared memory,
 * and continues it. The child ends with 0 only if it ran on after the note.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	volatile int *noted = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t child;

	if (noted == MAP_FAILED)
		return 1;
	child = fork();
	if (child < 0)
		return 1;
	if (child == 0) {
		if (raise(SIGSTOP) != 0)
			_exit(2);
		_exit(*noted ? 0 : 3);
	}
	if (waitpid(child, &status, WUNTRACED) != child || !WIFSTOPPED(status) ||
	    WSTOPSIG(status) != SIGSTOP)
		return 4;
	*noted = 1;
	if (kill(child, SIGCONT) != 0)
		return 1;
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return 5;
	return WEXITSTATUS(status);
}
