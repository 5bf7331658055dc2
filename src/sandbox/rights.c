/* SPDX-License-Identifier: MIT */
/*
 * Who the process is and what it may do.
 *
 * The order matters. The bounding set is emptied first, which takes
 * CAP_SETPCAP; then the ids change, which takes CAP_SETUID; the sets that allow
 * things are emptied last. Capabilities are per thread: there is one.
 *
 * Source: capabilities(7), credentials(7).
 */
#include "sandbox/sandbox_private.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int get_sets(struct __user_cap_data_struct sets[2])
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};

	return syscall(SYS_capget, &header, sets) < 0 ? -errno : 0;
}

bool sandbox_capable(int capability)
{
	struct __user_cap_data_struct sets[2];

	return get_sets(sets) == 0 &&
	       (sets[CAP_TO_INDEX(capability)].effective &
		CAP_TO_MASK(capability)) != 0;
}

static bool ids_are(const struct sandbox_config *config)
{
	return (config->uid < 0 || config->uid == (long)getuid()) &&
	       (config->gid < 0 || config->gid == (long)getgid());
}

/* Without a right to change the ids those that we have may still be the ones
 * that are wanted. A dump of the process shall be had as before: the guest's
 * memory is not in it (kvm/memory.c). */
int sandbox_set_ids(const struct sandbox_config *config, const char **what)
{
	uid_t uid = config->uid < 0 ? (uid_t)-1 : (uid_t)config->uid;
	gid_t gid = config->gid < 0 ? (gid_t)-1 : (gid_t)config->gid;

	if (config->uid < 0 && config->gid < 0)
		return 0;
	if (!sandbox_capable(CAP_SETGID) && ids_are(config))
		return 0;
	*what = "setgroups";
	if (setgroups(0, NULL) < 0)
		return -errno;
	*what = "setresgid";
	if (setresgid(gid, gid, gid) < 0)
		return -errno;
	*what = "setresuid";
	if (setresuid(uid, uid, uid) < 0)
		return -errno;
	*what = "PR_SET_DUMPABLE";
	return prctl(PR_SET_DUMPABLE, 1) < 0 ? -errno : 0;
}

/* Not for someone who has no capabilities: he cannot get any either, once
 * no_new_privs is set. */
int sandbox_drop_bounding(uint64_t keep)
{
	if (!sandbox_capable(CAP_SETPCAP))
		return 0;
	for (int i = 0; prctl(PR_CAPBSET_READ, i) >= 0; i++) {
		if (!(keep >> i & 1) && prctl(PR_CAPBSET_DROP, i) < 0)
			return -errno;
	}
	return 0;
}

int sandbox_drop_capabilities(uint64_t keep)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct sets[2];
	int err = get_sets(sets);

	if (err < 0)
		return err;
	for (int i = 0; i < 2; i++) {
		uint32_t mask = (uint32_t)(keep >> (32 * i));

		sets[i].effective &= mask;
		sets[i].permitted &= mask;
		sets[i].inheritable = 0;
	}
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ||
	    syscall(SYS_capset, &header, sets) < 0)
		return -errno;
	return 0;
}
