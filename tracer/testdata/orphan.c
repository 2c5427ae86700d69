/* Has its first thread gone; another says so, and ends with 23 at the end of standard input. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static void *survive(void *leader)
{
	char byte;

	if (pthread_join(*(pthread_t *)leader, NULL) != 0)
		abort();
	if (write(1, "ready\n", 6) != 6 || read(0, &byte, 1) != 0)
		abort();
	_exit(23);
}

int main(void)
{
	static pthread_t leader, thread;

	leader = pthread_self();
	if (pthread_create(&thread, NULL, survive, &leader) != 0)
		return 1;
	pthread_exit(NULL);
}
