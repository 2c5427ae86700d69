/*
 * Makes n threads in a mount namespace and a root directory of its own, which is empty: no file of
 * the program can be opened by its name there.
 *
 * As in a container, /proc/PID/maps names files that stand elsewhere for a debugger, or nowhere.
 * Main is there before its gate. It makes one more thread between the gate and checkpoint 1, and
 * one after.
 *
 * param: n=3
 * want: main: clone main/1..n+2, exit 0
 * want: main/1..n+2: exit 0
 * needs: cap_sys_admin cap_sys_chroot
 * modes: launch attach_before attach_again attach_during detach_during stops
 */
#include "fixture.h"
#include <linux/mount.h>

static _Atomic uint32_t over;

static void *thread(void *slot)
{
	announce((uintptr_t)slot);
	await(&over, 1);
	return NULL;
}

/*
 * The file system is mounted nowhere, so that no other process sees it, and goes with this one. A
 * mount below / would have to be kept from other namespaces, and in a chroot / is no mount.
 */
static void leave_all_files(void)
{
	must(!syscall(SYS_unshare, CLONE_NEWNS), "unshare");
	int type = syscall(SYS_fsopen, "tmpfs", 0);
	must(type >= 0, "fsopen");
	must(!syscall(SYS_fsconfig, type, FSCONFIG_CMD_CREATE, NULL, NULL, 0), "fsconfig");
	int root = syscall(SYS_fsmount, type, 0, 0);
	must(root >= 0 && !fchdir(root) && !chroot("."), "chroot");
	must(!close(root) && !close(type), "close");
}

int main(int argc, char **argv)
{
	(void)argc;
	fixture_open(argv);
	leave_all_files();
	long n = param("n", "3");
	pthread_t *ids = calloc(n, sizeof *ids);
	must(ids != NULL, "calloc");
	for (long i = 0; i < n; i++)
		ids[i] = make_thread(thread, 0);
	checkpoint(0);
	one_thread(0);
	checkpoint(1);
	one_thread(0);
	advance(&over);
	for (long i = 0; i < n; i++)
		must(!pthread_join(ids[i], NULL), "pthread_join");
	free(ids);
	printf("process: %d has no file: %d\n", getpid(), access("/proc", F_OK) != 0);
	return 0;
}
