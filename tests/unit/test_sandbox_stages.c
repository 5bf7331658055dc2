/* SPDX-License-Identifier: MIT */
/*
 * What each stage of confinement leaves, seen from inside and from outside, on
 * hosts of several kinds: with root, without, in a chroot, and where namespaces
 * are refused.
 */
#include "support/confined.h"
#include "support/run.h"
#include "support/skip.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY	   65534
#define PATIENCE_S 60

static const struct sandbox_config full = {
	.seccomp = SANDBOX_SECCOMP_ON,
	.uid = -1,
	.gid = -1,
	.required = true,
};

/* To look around, it takes more than the table has. */
static const struct sandbox_config no_seccomp = {
	.seccomp = SANDBOX_SECCOMP_OFF,
	.uid = -1,
	.gid = -1,
	.required = true,
};

/* In the confined process, where Check's assertions do not work. */
static int wrong(const char *what)
{
	(void)fprintf(stderr, "wrong: %s (%s)\n", what, strerror(errno));
	return 1;
}

#define EXPECT(x)                         \
	do {                              \
		errno = 0;                \
		if (!(x))                 \
			return wrong(#x); \
	} while (0)

static void must_be_well(const struct confined *out)
{
	ck_assert_msg(out->status == 0, "status %x: %s", out->status, out->log);
	ck_assert_uint_eq(out->report.n, 0);
}

static int fails(long result, int err)
{
	return result < 0 && errno == err;
}

/* @*arg: the test's process, as it is known outside. */
static int root_body(void *arg)
{
	const pid_t *outside = arg;
	struct dirent *entry;
	DIR *dir = opendir("/");
	char cwd[64];

	EXPECT(dir);
	while ((entry = readdir(dir)))
		EXPECT(entry->d_name[0] == '.');
	(void)closedir(dir);
	EXPECT(getcwd(cwd, sizeof(cwd)) && strcmp(cwd, "/") == 0);
	EXPECT(fails(open("/proc/self/status", O_RDONLY), ENOENT));
	EXPECT(fails(open("/etc/passwd", O_RDONLY), ENOENT));
	EXPECT(fails(open("../../../../etc/passwd", O_RDONLY), ENOENT));
	EXPECT(fails(mkdir("/x", 0700), EROFS));
	EXPECT(fails(open("/x", O_CREAT | O_WRONLY, 0600), EROFS));
	EXPECT(fails(open("/", O_TMPFILE | O_RDWR, 0600), EROFS));
	EXPECT(fails(mount("", "/", NULL, MS_REMOUNT | MS_BIND, NULL), EPERM));
	EXPECT(fails(chroot("/"), EPERM));
	EXPECT(getpid() == 1);
	EXPECT(getppid() == 0);
	EXPECT(fails(kill(*outside, 0), ESRCH));
	EXPECT(fails(kill(-1, 0), ESRCH));
	return 0;
}

static int rights_body(void *arg)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct sets[2];
	int signal = 0;

	UNUSED(arg);
	EXPECT(syscall(SYS_capget, &header, sets) == 0);
	for (int i = 0; i < 2; i++)
		EXPECT(!sets[i].effective && !sets[i].permitted &&
		       !sets[i].inheritable);
	for (int i = 0; prctl(PR_CAPBSET_READ, i) >= 0; i++) {
		EXPECT(prctl(PR_CAPBSET_READ, i) == 0);
		EXPECT(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, i, 0, 0) ==
		       0);
	}
	EXPECT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	EXPECT(prctl(PR_GET_PDEATHSIG, &signal) == 0 && signal == SIGKILL);
	EXPECT(prctl(PR_GET_DUMPABLE) == 1);
	return 0;
}

static int inside_body(void *arg)
{
	return root_body(arg) + rights_body(NULL);
}

static void look_inside(void)
{
	pid_t outside = getpid();
	struct confined out;

	confined_run(&no_seccomp, THREAD_CONTROL, inside_body, &outside, &out);
	must_be_well(&out);
}

START_TEST(root_and_rights)
{
	look_inside();
}
END_TEST

/* The mounts that the test's own process sees. */
static size_t read_mounts(char *text, size_t size)
{
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t n;

	ck_assert_int_ge(fd, 0);
	while ((n = read(fd, text + used, size - used)) > 0)
		used += (size_t)n;
	close_fd(&fd);
	return used;
}

START_TEST(the_host_keeps_its_mounts)
{
	static char before[1 << 16], after[1 << 16];
	size_t n = read_mounts(before, sizeof(before));

	look_inside();
	ck_assert_uint_eq(read_mounts(after, sizeof(after)), n);
	ck_assert_mem_eq(before, after, n);
}
END_TEST

/* In a process of the test's own: what @enter does to it stays there. */
static void in_child(void (*enter)(void), void (*then)(void))
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		enter();
		then();
		exit(EXIT_SUCCESS);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(status == 0, "status %x", status);
}

static char jail[] = "/tmp/evnic-jail-XXXXXX";

/* A directory that is no mount point becomes the root. */
static void enter_jail(void)
{
	int fd;

	ck_assert_int_eq(chdir(jail), 0);
	ck_assert_int_eq(mkdir("etc", 0755), 0);
	fd = open("etc/passwd", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	close_fd(&fd);
	ck_assert_int_eq(chroot("."), 0);
	ck_assert_int_eq(access("/etc/passwd", F_OK), 0);
}

START_TEST(in_a_chroot)
{
	char file[64], dir[64];

	if (geteuid() != 0)
		return;
	ck_assert_ptr_nonnull(mkdtemp(jail));
	in_child(enter_jail, look_inside);
	(void)snprintf(file, sizeof(file), "%s/etc/passwd", jail);
	(void)snprintf(dir, sizeof(dir), "%s/etc", jail);
	ck_assert_int_eq(unlink(file), 0);
	ck_assert_int_eq(rmdir(dir), 0);
	ck_assert_int_eq(rmdir(jail), 0);
}
END_TEST

static void become_nobody(void)
{
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(setgroups(0, NULL), 0);
	ck_assert_int_eq(setresgid(NOBODY, NOBODY, NOBODY), 0);
	ck_assert_int_eq(setresuid(NOBODY, NOBODY, NOBODY), 0);
	/* /proc/self belongs to who may dump us. */
	ck_assert_int_eq(prctl(PR_SET_DUMPABLE, 1), 0);
}

/* The same, by a user namespace. */
START_TEST(as_a_plain_user)
{
	struct sandbox_report report;
	pid_t pid;
	int log;

	become_nobody();
	if (confined_start(&no_seccomp, THREAD_CONTROL, rights_body, NULL,
			   &report, &pid, &log) == -EPERM) {
		ck_assert_uint_eq(report.n, 1);
		ck_assert_ptr_nonnull(strstr(report.lines[0], "sysctl"));
		return;
	}
	look_inside();
}
END_TEST

static int ids_body(void *arg)
{
	uid_t uids[3];
	gid_t gids[3];

	UNUSED(arg);
	EXPECT(getresuid(&uids[0], &uids[1], &uids[2]) == 0);
	EXPECT(getresgid(&gids[0], &gids[1], &gids[2]) == 0);
	for (int i = 0; i < 3; i++)
		EXPECT(uids[i] == NOBODY && gids[i] == NOBODY);
	EXPECT(getgroups(0, NULL) == 0);
	return rights_body(NULL);
}

START_TEST(other_ids)
{
	struct sandbox_config config = no_seccomp;
	const gid_t groups[] = {4, 27};
	struct confined out;

	config.uid = NOBODY;
	config.gid = NOBODY;
	if (geteuid() == 0)
		ck_assert_int_eq(setgroups(2, groups), 0);
	confined_run(&config, THREAD_CONTROL, ids_body, NULL, &out);
	if (geteuid() == 0) {
		must_be_well(&out);
		return;
	}
	ck_assert_int_eq(WEXITSTATUS(out.status), CONFINED_FAILED);
}
END_TEST

static void other_ids_refused(void)
{
	struct sandbox_config config = no_seccomp;
	struct confined out;

	config.required = false;
	config.uid = 1;
	confined_run(&config, THREAD_CONTROL, ids_body, NULL, &out);
	ck_assert_int_eq(WEXITSTATUS(out.status), CONFINED_FAILED);
	ck_assert_ptr_nonnull(strstr(out.log, "failed: sandbox: setgroups"));
}

/* Always fatal. */
START_TEST(other_ids_without_the_right)
{
	in_child(become_nobody, other_ids_refused);
}
END_TEST

static void write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
	ck_assert_int_eq(write(fd, text, strlen(text)), (int)strlen(text));
	close_fd(&fd);
}

/* A user namespace whose own limit is 0, or none at all, as in a chroot; and then
 * no right to anything. */
static void enter_strict_host(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[2] = {{0}, {0}};
	char map[64];

	(void)snprintf(map, sizeof(map), "0 %u 1", geteuid());
	if (unshare(CLONE_NEWUSER) == 0) {
		write_to("/proc/self/uid_map", map);
		write_to("/proc/sys/user/max_user_namespaces", "0");
	}
	ck_assert_int_eq((int)syscall(SYS_capset, &header, none), 0);
}

static int still_filtered_body(void *arg)
{
	UNUSED(arg);
	(void)syscall(SYS_socket, 1, 1, 0);
	return 0;
}

static void weaker(void)
{
	struct sandbox_config config = full;
	struct sandbox_report report;
	struct confined out;
	pid_t pid;
	int log;

	/* It says so, and does not go on. */
	ck_assert_int_eq(confined_start(&config, THREAD_CONTROL, root_body,
					NULL, &report, &pid, &log),
			 -EPERM);
	ck_assert_uint_eq(report.n, 1);
	ck_assert_ptr_nonnull(strstr(report.lines[0], "user namespace: "));
	if (strstr(report.lines[0], "(ENOSPC)"))
		ck_assert_ptr_nonnull(
			strstr(report.lines[0], "sysctl user.max_"));
	else
		ck_assert_ptr_nonnull(strstr(report.lines[0], "(EPERM): "));

	/* It says so, and goes on with what is left. */
	config.required = false;
	confined_run(&config, THREAD_QUEUE, still_filtered_body, NULL, &out);
	ck_assert_msg(WIFSIGNALED(out.status) && WTERMSIG(out.status) == SIGSYS,
		      "status %x: %s", out.status, out.log);
	ck_assert_uint_eq(out.report.n, 1);
	ck_assert_ptr_nonnull(strstr(out.log, "weak: user namespace: "));
	ck_assert_ptr_nonnull(strstr(out.log, "weak: empty root: "));
}

START_TEST(no_rights_for_a_namespace)
{
	in_child(enter_strict_host, weaker);
}
END_TEST

/* @fd: blocks until it is closed. */
static int wait_body(void *arg)
{
	char byte;

	while (read(*(int *)arg, &byte, 1) > 0)
		continue;
	return 0;
}

static void read_status(pid_t pid, const char *key, char *value, size_t size)
{
	char path[64], line[256];
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	value[0] = '\0';
	while (fgets(line, sizeof(line), file)) {
		size_t n = strlen(key);

		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, key, n) == 0 && line[n] == ':')
			(void)snprintf(value, size, "%s",
				       line + n + 1 +
					       strspn(line + n + 1, "\t "));
	}
	(void)fclose(file);
}

static void must_have(pid_t pid, const char *key, const char *should)
{
	char is[256];

	read_status(pid, key, is, sizeof(is));
	ck_assert_msg(strcmp(is, should) == 0, "%s: %s, not %s", key, is,
		      should);
}

/* The namespace's link, as in "pid:[4026531836]". */
static void read_namespace(pid_t pid, const char *name, char *value,
			   size_t size)
{
	char path[64];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, name);
	n = readlink(path, value, size - 1);
	ck_assert_msg(n > 0, "%s: %s", path, strerror(errno));
	value[n] = '\0';
}

/* Until the filter is there, which is the last stage. */
static void await_seccomp(pid_t pid, const char *mode)
{
	char is[256];

	for (int i = 0; i < PATIENCE_S * 100; i++) {
		read_status(pid, "Seccomp", is, sizeof(is));
		if (strcmp(is, mode) == 0)
			return;
		(void)poll(NULL, 0, 10);
	}
	ck_abort_msg("Seccomp: %s, not %s", is, mode);
}

START_TEST(seen_from_outside)
{
	static const char *const own[] = {"mnt", "pid", "ipc"};
	struct sandbox_report report;
	struct confined out;
	char ours[64], theirs[64];
	int fds[2];
	pid_t pid;
	int log;

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(confined_start(&full, THREAD_CONTROL, wait_body,
					&fds[0], &report, &pid, &log),
			 0);
	await_seccomp(pid, "2");
	must_have(pid, "NoNewPrivs", "1");
	must_have(pid, "CapEff", "0000000000000000");
	must_have(pid, "CapPrm", "0000000000000000");
	must_have(pid, "CapBnd", "0000000000000000");
	must_have(pid, "CapAmb", "0000000000000000");
	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		read_namespace(getpid(), own[i], ours, sizeof(ours));
		read_namespace(pid, own[i], theirs, sizeof(theirs));
		ck_assert_str_ne(ours, theirs);
	}
	/* We have stayed where we were. */
	read_namespace(getpid(), "pid_for_children", ours, sizeof(ours));
	read_namespace(getpid(), "pid", theirs, sizeof(theirs));
	ck_assert_int_eq(strncmp(ours + 3, theirs + 3, 16), 0);
	must_have(getpid(), "Seccomp", "0");
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	confined_end(pid, log, &out);
	ck_assert_int_eq(WTERMSIG(out.status), SIGKILL);
}
END_TEST

/* An opener that is killed: its machine says when it is there, by a byte, and
 * when it is gone, by the end of the pipe. */
static int announce_body(void *arg)
{
	int *fds = arg;

	if (write(fds[1], "", 1) != 1)
		return 1;
	return wait_body(&fds[2]);
}

static _Noreturn void be_opener(int fds[4])
{
	struct sandbox_report report;
	struct confined out;
	pid_t pid;
	int log;

	close_fd(&fds[0]);
	if (confined_start(&full, THREAD_CONTROL, announce_body, fds, &report,
			   &pid, &log) < 0)
		_exit(1);
	close_fd(&fds[1]);
	confined_end(pid, log, &out);
	_exit(1);
}

START_TEST(dies_with_the_opener)
{
	int fds[4]; /* the machine's word; what it waits for in vain */
	struct pollfd end;
	pid_t opener;
	char byte;

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(fds + 2, O_CLOEXEC), 0);
	opener = fork();
	if (opener == 0)
		be_opener(fds);
	close_fd(&fds[1]);
	ck_assert_int_eq(read(fds[0], &byte, 1), 1);
	ck_assert_int_eq(kill(opener, SIGKILL), 0);
	ck_assert_int_eq(waitpid(opener, NULL, 0), opener);
	end = (struct pollfd){.fd = fds[0], .events = POLLIN};
	ck_assert_int_eq(poll(&end, 1, PATIENCE_S * 1000), 1);
	ck_assert_int_eq(read(fds[0], &byte, 1), 0);
}
END_TEST

/* Has the opener only what it needs? */
START_TEST(the_opener_keeps_little)
{
	const uint64_t allowed = 1ULL << CAP_NET_ADMIN | 1ULL << CAP_SYS_ADMIN |
				 1ULL << CAP_BPF | 1ULL << CAP_PERFMON |
				 1ULL << CAP_DAC_OVERRIDE |
				 1ULL << CAP_DAC_READ_SEARCH |
				 1ULL << CAP_FOWNER | 1ULL << CAP_KILL;
	struct sandbox_report report;
	struct confined out;
	char value[64];
	int fds[2];
	pid_t pid;
	int log;

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(confined_start(&full, THREAD_OPENER, wait_body,
					&fds[0], &report, &pid, &log),
			 0);
	await_seccomp(pid, "2");
	must_have(pid, "NoNewPrivs", "1");
	read_status(pid, "CapPrm", value, sizeof(value));
	ck_assert_uint_eq(strtoull(value, NULL, 16) & ~allowed, 0);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	confined_end(pid, log, &out);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sandbox stages");
	TCase *tc = tcase_create("stages");
	const char *obstacle = confined_obstacle();

	if (obstacle)
		return test_skip(obstacle);
	tcase_set_timeout(tc, PATIENCE_S + 20);
	tcase_add_test(tc, root_and_rights);
	tcase_add_test(tc, the_host_keeps_its_mounts);
	tcase_add_test(tc, in_a_chroot);
	tcase_add_test(tc, as_a_plain_user);
	tcase_add_test(tc, other_ids);
	tcase_add_test(tc, other_ids_without_the_right);
	tcase_add_test(tc, no_rights_for_a_namespace);
	tcase_add_test(tc, seen_from_outside);
	tcase_add_test(tc, dies_with_the_opener);
	tcase_add_test(tc, the_opener_keeps_little);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
