/* SPDX-License-Identifier: MIT */
/*
 * The empty root: a tmpfs of one page, read-only, with nothing in it.
 *
 * It is mounted without a place at first (fsmount(2)), so no directory is
 * needed for it. Then it is laid over the root, the two change places
 * (pivot_root(2)), and the old one is let go of, with all that is mounted
 * below.
 *
 * A root that is no mount point (chroot(1)) or has nothing below it (an
 * initramfs) cannot change places. There the process moves its own root only.
 * The old one stays mounted, but nothing leads there: no path, no file
 * descriptor of a directory, and the capability to change roots is dropped
 * right after. Nor is anything laid over it there: in a chroot it may be shared
 * with the host, which would see that.
 *
 * Source: pivot_root(2), mount_namespaces(7).
 */
#include "sandbox/sandbox_private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

/* sys/mount.h has these, and collides with linux/mount.h. */
#define MOUNT_RECURSIVE 16384UL
#define MOUNT_PRIVATE	(1UL << 18)
#define UNMOUNT_DETACH	2

static int set(int fs, const char *key, const char *value)
{
	return (int)syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, key, value,
			    0);
}

/* A file descriptor of the mount, or -errno. */
static int mount_nowhere(void)
{
	int fs = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
	int fd = -1;

	if (fs >= 0 && set(fs, "size", "4096") == 0 &&
	    set(fs, "mode", "0555") == 0 &&
	    syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC,
				  MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
					  MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (fd < 0)
		fd = -errno;
	close_fd(&fs);
	return fd;
}

/* Has the root a place that another mount could take? What happens to mounts
 * below it is our own business from here on. */
static bool root_is_mount(void)
{
	return syscall(SYS_mount, "", "/", NULL,
		       MOUNT_RECURSIVE | MOUNT_PRIVATE, NULL) == 0;
}

int sandbox_empty_root(void)
{
	int fd = mount_nowhere();
	bool over;
	int err = 0;

	if (fd < 0)
		return fd;
	over = root_is_mount() && syscall(SYS_move_mount, fd, "", AT_FDCWD, "/",
					  MOVE_MOUNT_F_EMPTY_PATH) == 0;
	if (fchdir(fd) < 0)
		err = -errno;
	else if (over && syscall(SYS_pivot_root, ".", ".") == 0)
		err = (int)syscall(SYS_umount2, ".", UNMOUNT_DETACH);
	else
		err = chroot(".");
	if (err < 0 || chdir("/") < 0)
		err = -errno;
	close_fd(&fd);
	return err;
}
