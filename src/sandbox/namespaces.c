/* SPDX-License-Identifier: MIT */
/*
 * Namespaces of one's own, and the fork into them.
 *
 * Three things are wanted of the fork: the machine is process 1 of its pid
 * namespace, the caller stays in the namespaces in which it is (without root,
 * there is no way back out of a user namespace), and the caller can wait for
 * the machine. unshare(2) gives a pid namespace to one's children only, so
 * there is a process between the two:
 *
 *	caller --fork--> middle: unshare --fork--> machine
 *	   ^                |  the machine's pid      |
 *	   +----------------+  exits                  | waits for that
 *	   |        the kernel hands the machine over |
 *	   +--- waits for middle, then says go ------>+
 *
 * While that goes on the caller is a child subreaper (prctl(2)), so the machine
 * becomes its child when the middle exits. clone(2) with the namespaces' flags
 * would do without the middle, but fork() is more than clone(): it runs the C
 * library's handlers and gives its thread descriptor the new thread id, which
 * locks compare.
 *
 * With CAP_SYS_ADMIN the namespaces are simply made. Without, a user namespace
 * is made first, in which the user is who he is outside, but may do the rest.
 */
#include "sandbox/sandbox_private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct namespace
{
	int flag;
	const char *name;
	const char *loss;
};

static const struct namespace namespaces[] = {
	{CLONE_NEWNS, "mount", "the host's files stay in sight"},
	{CLONE_NEWPID, "pid", "other processes stay in sight"},
	{CLONE_NEWIPC, "ipc", "the host's shared memory stays in sight"},
};

static int owned;

bool sandbox_owns(int namespace)
{
	return (owned & namespace) != 0;
}

static const char *cure(int err)
{
	switch (err) {
	case -ENOSPC:
		return "raise sysctl user.max_*_namespaces";
	case -EINVAL:
		return "the kernel is built without them";
	default:
		return "run as root, not in a chroot, or allow it: the "
		       "container's rules, sysctl "
		       "kernel.unprivileged_userns_clone=1 or "
		       "kernel.apparmor_restrict_unprivileged_userns=0";
	}
}

/* Writes one line to a file of /proc/self. */
static int write_own(const char *path, const char *line)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, line, strlen(line)) < 0)
		err = -errno;
	close_fd(&fd);
	return err;
}

/* The user is the same inside as outside: nobody else is there. */
static int unshare_user(void)
{
	unsigned int uid = geteuid(), gid = getegid();
	char uid_map[64], gid_map[64];
	int err;

	(void)snprintf(uid_map, sizeof(uid_map), "%u %u 1", uid, uid);
	(void)snprintf(gid_map, sizeof(gid_map), "%u %u 1", gid, gid);
	if (unshare(CLONE_NEWUSER) < 0)
		return -errno;
	err = write_own("/proc/self/uid_map", uid_map);
	if (err == 0)
		err = write_own("/proc/self/setgroups", "deny");
	if (err == 0)
		err = write_own("/proc/self/gid_map", gid_map);
	return err;
}

int sandbox_unshare(const struct sandbox_config *config,
		    struct sandbox_report *report)
{
	char stage[64], advice[256];
	int status = 0;
	int err = 0;

	if (!sandbox_capable(CAP_SYS_ADMIN))
		err = unshare_user();
	if (err < 0) {
		(void)snprintf(advice, sizeof(advice),
			       "files and processes stay in sight; %s",
			       cure(err));
		return sandbox_weak(config, report, "user namespace", err,
				    advice);
	}
	for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++) {
		const struct namespace *n = &namespaces[i];

		if (unshare(n->flag) == 0) {
			owned |= n->flag;
			continue;
		}
		err = -errno;
		(void)snprintf(stage, sizeof(stage), "%s namespace", n->name);
		(void)snprintf(advice, sizeof(advice), "%s; %s", n->loss,
			       cure(err));
		err = sandbox_weak(config, report, stage, err, advice);
		status = MIN(status, err);
	}
	return status;
}

/* What the middle tells the caller. Smaller than a pipe's atomic write. */
struct birth {
	pid_t pid; /* or -errno */
	struct sandbox_report report;
};

struct pipes {
	int birth[2]; /* from the middle */
	int go[2];    /* to the machine */
};

static int open_pipes(struct pipes *pipes)
{
	memset(pipes, -1, sizeof(*pipes));
	if (pipe2(pipes->birth, O_CLOEXEC) < 0 ||
	    pipe2(pipes->go, O_CLOEXEC) < 0)
		return -errno;
	return 0;
}

static void close_pipes(struct pipes *pipes)
{
	for (int i = 0; i < 2; i++) {
		close_fd(&pipes->birth[i]);
		close_fd(&pipes->go[i]);
	}
}

static ssize_t read_again(int fd, void *buf, size_t size)
{
	ssize_t n;

	do {
		n = read(fd, buf, size);
	} while (n < 0 && errno == EINTR);
	return n;
}

static _Noreturn void tell_birth(const struct pipes *pipes,
				 const struct birth *birth)
{
	ssize_t n = write(pipes->birth[1], birth, sizeof(*birth));

	_exit(n == (ssize_t)sizeof(*birth) ? 0 : 1);
}

/* Returns in the machine only. */
static void be_middle(const struct sandbox_config *config,
		      struct sandbox_report *report, struct pipes *pipes)
{
	struct birth birth = {.pid = 0};

	if (!SANDBOX_SANITIZED)
		birth.pid = sandbox_unshare(config, &birth.report);
	if (birth.pid == 0) {
		birth.pid = fork();
		if (birth.pid < 0)
			birth.pid = -errno;
	}
	if (birth.pid)
		tell_birth(pipes, &birth);
	*report = birth.report;
}

/* Waits until the caller is our parent. Without a caller there is nothing to
 * do. */
static void await_go(struct pipes *pipes)
{
	char go;

	close_fd(&pipes->go[1]);
	if (read_again(pipes->go[0], &go, 1) != 1)
		_exit(1);
}

static pid_t adopt(pid_t middle, const struct pipes *pipes,
		   struct sandbox_report *report)
{
	struct birth birth;
	ssize_t n = read_again(pipes->birth[0], &birth, sizeof(birth));

	while (waitpid(middle, NULL, 0) < 0 && errno == EINTR)
		continue;
	if (n != (ssize_t)sizeof(birth))
		return -ECHILD;
	*report = birth.report;
	if (birth.pid > 0 && write(pipes->go[1], "", 1) != 1)
		return -errno;
	return birth.pid;
}

pid_t sandbox_fork(const struct sandbox_config *config,
		   struct sandbox_report *report)
{
	struct pipes pipes;
	pid_t pid = open_pipes(&pipes);
	int subreaper = 0;

	report->n = 0;
	if (pid < 0)
		goto out;
	if (prctl(PR_GET_CHILD_SUBREAPER, &subreaper) < 0 ||
	    prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 || (pid = fork()) < 0) {
		pid = -errno;
		goto out;
	}
	if (pid == 0) {
		be_middle(config, report, &pipes);
		await_go(&pipes);
		goto out;
	}
	close_fd(&pipes.birth[1]);
	pid = adopt(pid, &pipes, report);
	(void)prctl(PR_SET_CHILD_SUBREAPER, subreaper);
out:
	close_pipes(&pipes);
	return pid;
}
