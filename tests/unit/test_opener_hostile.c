/* SPDX-License-Identifier: MIT */
/*
 * A machine that was taken over asks a real opener, in a process of its own, for
 * what it must not get. Beside what comes out of a request: nothing outside of
 * the directory changes, no descriptor stays behind in the opener, and it goes on
 * answering.
 */
#include "backends/capture.h"
#include "machine/opener_client.h"
#include "machine/opener_server.h"
#include "net/rss_bpf.h"
#include "sandbox/sandbox.h"
#include "support/run.h"
#include "support/tap_host.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECRET "not for guests"

/* @dir: all of the test. @caps: where captures go. @there: where they do not. */
static char dir[64], caps[80], there[80], secret[96];
static char pattern[96];
static const char *const taps[] = {"ok*"}, *const captures[] = {pattern};
static struct machine_config config;
static struct opener opener;
static pid_t pid;
static int said = -1; /* what the opener writes to standard error */
static bool no_taps;
static int tap_fd = -1; /* what evnic was started with */

/* In a way that the opener is allowed. */
static int count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* As in evnic run, where the compiler's own tools do not stand in the way. */
static bool confine(void)
{
#ifdef CONFINED
	const struct sandbox_config sandbox = {
		.seccomp = SANDBOX_SECCOMP_ON,
		.uid = -1,
		.gid = -1,
	};
	static struct sandbox_report report;
	char error[512];

	return sandbox_enter_opener(&sandbox, &report, error, sizeof(error)) ==
	       0;
#else
	return true;
#endif
}

/* The opener's process, until nobody asks any more. 0: as it ought to end. */
static int serve(struct opener_server *server)
{
	struct pollfd fds[OPENER_CHANNELS_MAX];
	int before = count_fds();
	size_t n;

	if (!confine())
		return 3;
	while ((n = opener_server_poll(server, fds)) > 0) {
		if (poll(fds, n, -1) < 0)
			return 1;
		(void)opener_server_serve(server);
	}
	/* The machine's socket is gone, and a tap that it was given. */
	before -= 1 + server->gave_tap[1];
	return count_fds() == before ? 0 : 2;
}

static void begin(void)
{
	static const struct launch_options options = {.ready_fd = -1};
	static struct opener_server server;
	const struct opener_channel channel = {0};
	struct opener_error error;
	int pair[2];

	opener_server_init(&server, &config, &options);
	ck_assert_msg(!opener_captures_init(&server, &error), "%s", error.text);
	opener.fd = opener_server_add(&server, &channel);
	ck_assert_int_ge(opener.fd, 0);
	ck_assert_int_eq(pipe2(pair, O_CLOEXEC | O_NONBLOCK), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close_fd(&opener.fd);
		(void)dup2(pair[1], STDERR_FILENO);
		_exit(serve(&server));
	}
	said = pair[0];
	close_fd(&pair[1]);
	for (size_t i = 0; i < OPENER_CHANNELS_MAX; i++)
		close_fd(&server.channels[i].fd);
	opener_server_fini(&server);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
}

static void setup(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/evnic-hostile-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(caps, sizeof(caps), "%s/caps", dir);
	(void)snprintf(there, sizeof(there), "%s/there", dir);
	(void)snprintf(secret, sizeof(secret), "%s/secret.x", there);
	(void)snprintf(pattern, sizeof(pattern), "%s/*.x", caps);
	ck_assert_int_eq(mkdir(caps, 0700), 0);
	ck_assert_int_eq(mkdir(there, 0700), 0);
	write_file(secret, SECRET);
	config = (struct machine_config){
		.serial.type = CONFIG_SERIAL_NONE,
		.sandbox.taps = {.items = taps, .n = 1},
		.sandbox.captures = {.items = captures, .n = 1},
		.backends = {{.id = "b",
			      .host_dev_name = "named0",
			      .fd = CONFIG_ABSENT,
			      .queue_pairs = 2}},
		.n_backends = 1,
	};
	if (!no_taps) {
		tap_fd = tap_host_open("fd0",
				       IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
		config.backends[1].fd = tap_fd;
		config.n_backends = 2;
	}
	begin();
	close_fd(&tap_fd);
}

/* The secret is as it was, and alone. */
static void check_secret(void)
{
	char text[64] = "";
	int fd = open(secret, O_RDONLY | O_CLOEXEC);
	DIR *d = opendir(there);
	size_t n = 0;

	ck_assert_int_eq(read(fd, text, sizeof(text)), strlen(SECRET));
	ck_assert_str_eq(text, SECRET);
	(void)close(fd);
	while (readdir(d))
		n++;
	(void)closedir(d);
	ck_assert_uint_eq(n, 3);
}

static void remove_all(const char *path)
{
	DIR *d = opendir(path);
	const struct dirent *entry;

	while ((entry = readdir(d))) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		if (unlinkat(dirfd(d), entry->d_name, 0) < 0)
			(void)unlinkat(dirfd(d), entry->d_name, AT_REMOVEDIR);
	}
	(void)closedir(d);
	ck_assert_int_eq(rmdir(path), 0);
}

static void teardown(void)
{
	char text[256];
	int status;

	close_fd(&opener.fd);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	/* Whatever it was asked, it has not filled a log. */
	ck_assert_int_le(read(said, text, sizeof(text)), 0);
	close_fd(&said);
	check_secret();
	remove_all(there);
	remove_all(caps);
	ck_assert_int_eq(rmdir(dir), 0);
}

/* Asks for NAME in the directory of captures. */
static int ask_name(const char *name, unsigned int files, int *rotator,
		    struct opener_error *error)
{
	char path[OPENER_PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", caps, name);
	return opener_capture(&opener, path, files, rotator, error);
}

static void refused_name(const char *name, int err, const char *why)
{
	struct opener_error error = {""};
	int rotator;

	ck_assert_int_eq(ask_name(name, 0, &rotator, &error), err);
	ck_assert_msg(strstr(error.text, why), "%s", error.text);
	ck_assert_ptr_null(strchr(error.text, '\n'));
}

static void refused_path(const char *path)
{
	struct opener_error error = {""};
	int rotator;

	ck_assert_msg(opener_capture(&opener, path, 0, &rotator, &error) ==
			      -EACCES,
		      "%s", path);
	ck_assert_ptr_nonnull(strstr(error.text, "\"captures\": [...]"));
	ck_assert_ptr_null(strchr(error.text, '\n'));
}

/* It answers still, and what is allowed is done. */
static void still_works(void)
{
	struct opener_error error = {""};
	struct stat st;
	int rotator, fd = ask_name("good.x", 0, &rotator, &error);

	ck_assert_msg(fd >= 0, "%s", error.text);
	ck_assert_int_eq(rotator, -1);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq(st.st_mode, S_IFREG | 0600);
	ck_assert_int_eq((int)st.st_size, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_WRONLY);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	(void)close(fd);
}

START_TEST(paths_outside)
{
	char path[256];

	refused_path("");
	refused_path("/");
	refused_path("/etc/passwd");
	refused_path("/dev/null");
	refused_path("good.x");
	refused_path(secret);
	(void)snprintf(path, sizeof(path), "%s/../there/secret.x", caps);
	refused_path(path);
	(void)snprintf(path, sizeof(path), "%s/./good.x", caps);
	refused_path(path);
	(void)snprintf(path, sizeof(path), "%s//good.x", caps);
	refused_path(path);
	(void)snprintf(path, sizeof(path), "%s/", caps);
	refused_path(path);
	(void)snprintf(path, sizeof(path), "%s/good.y", caps);
	refused_path(path);
	(void)snprintf(path, sizeof(path), "%s/sub/good.x", caps);
	refused_path(path);
	(void)snprintf(path, sizeof(path), "%s/a\nb.x", caps);
	refused_path(path);
	still_works();
	still_works();
}
END_TEST

START_TEST(things_that_are_no_files)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fifo, sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(chdir(caps), 0);
	ck_assert_int_eq(mkdir("dir.x", 0700), 0);
	refused_name("dir.x", -EISDIR, "name a file in it");
	ck_assert_int_eq(mkfifo("fifo.x", 0600), 0);
	refused_name("fifo.x", -ENOTSUP, "not a regular file");
	fifo = open("fifo.x", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	refused_name("fifo.x", -ENOTSUP, "not a regular file");
	(void)close(fifo);
	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "sock.x");
	ck_assert_int_eq(
		bind(sock, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	refused_name("sock.x", -ENOTSUP, "not a regular file");
	(void)close(sock);
	if (mknod("null.x", S_IFCHR | 0666, makedev(1, 3)) == 0 &&
	    access("null.x", W_OK) == 0)
		refused_name("null.x", -ENOTSUP, "not a regular file");
	ck_assert_int_eq(symlink(secret, "link.x"), 0);
	refused_name("link.x", -ELOOP, "not followed");
	ck_assert_int_eq(symlink("../there/new", "dangling.x"), 0);
	refused_name("dangling.x", -ELOOP, "not followed");
	ck_assert_int_eq(symlink("/proc/self/fd/2", "magic.x"), 0);
	refused_name("magic.x", -ELOOP, "not followed");
	still_works();
	ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

/* The directory is the one that was there at start, whatever has its name. */
START_TEST(directory_is_replaced)
{
	char moved[96], path[128];

	(void)snprintf(moved, sizeof(moved), "%s/moved", dir);
	ck_assert_int_eq(rename(caps, moved), 0);
	ck_assert_int_eq(symlink(there, caps), 0);
	still_works();
	refused_name("secret.y", -EACCES, "captures");
	(void)snprintf(path, sizeof(path), "%s/good.x", moved);
	ck_assert_int_eq(access(path, F_OK), 0);
	ck_assert_int_eq(unlink(caps), 0);
	ck_assert_int_eq(rename(moved, caps), 0);
}
END_TEST

/* Puts a link to the secret in the file's place, and takes it away, for ever. */
static pid_t spawn_swapper(void)
{
	pid_t swapper = fork();

	ck_assert_int_ge(swapper, 0);
	if (swapper)
		return swapper;
	if (chdir(caps) < 0)
		_exit(1);
	for (;;) {
		if (symlink(secret, "link") == 0)
			(void)rename("link", "race.x");
		(void)close(open("file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
		(void)rename("file", "race.x");
	}
}

START_TEST(swapped_while_asked)
{
	pid_t swapper = spawn_swapper();
	unsigned int links = 0, files = 0;

	for (int i = 0; i < 100000 && (links < 100 || files < 100); i++) {
		struct opener_error error;
		int rotator, fd = ask_name("race.x", i % 2 ? 3 : 0, &rotator,
					   &error);

		links += fd == -ELOOP;
		files += fd >= 0;
		if (fd >= 0)
			ck_assert_int_eq(write(fd, "guest", 5), 5);
		close_fd(&fd);
		if (rotator >= 0)
			fd = opener_rotate(rotator);
		close_fd(&fd);
		close_fd(&rotator);
	}
	ck_assert_int_eq(kill(swapper, SIGKILL), 0);
	ck_assert_int_eq(waitpid(swapper, NULL, 0), swapper);
	ck_assert_uint_gt(links, 0);
	ck_assert_uint_gt(files, 0);
	check_secret();
}
END_TEST

static int ask(int fd, const void *request, size_t size,
	       struct opener_reply *reply)
{
	ck_assert_int_eq(send(fd, request, size, 0), (ssize_t)size);
	ck_assert_int_eq(recv(fd, reply, sizeof(*reply), 0), sizeof(*reply));
	return reply->err;
}

START_TEST(names_of_all_lengths)
{
	static struct opener_request request;
	struct opener_reply reply;
	size_t at = strlen(caps) + 1;

	/* No end. */
	request.kind = OPENER_ASK_CAPTURE;
	memset(request.u.capture.path, 'a', sizeof(request.u.capture.path));
	memcpy(request.u.capture.path, caps, at - 1);
	request.u.capture.path[at - 1] = '/';
	ck_assert_int_eq(ask(opener.fd, &request, sizeof(request), &reply),
			 -EINVAL);
	/* One byte too many; as many as there may be; with room for ".999". */
	(void)snprintf(request.u.capture.path + at + NAME_MAX - 1, 8, ".x");
	ck_assert_int_eq(ask(opener.fd, &request, sizeof(request), &reply),
			 -EACCES);
	(void)snprintf(request.u.capture.path + at + NAME_MAX - 2, 8, ".x");
	ck_assert_int_eq(ask(opener.fd, &request, sizeof(request), &reply), 0);
	request.u.capture.files = 2;
	ck_assert_int_eq(ask(opener.fd, &request, sizeof(request), &reply),
			 -ENAMETOOLONG);
	(void)snprintf(request.u.capture.path + at + NAME_MAX - 6, 8, ".x");
	ck_assert_int_eq(ask(opener.fd, &request, sizeof(request), &reply), 0);
	ck_assert_uint_eq(reply.n_fds, 2);
	/* What is behind the end is not looked at. */
	(void)snprintf(request.u.capture.path + at, 64, "good.x%c/../y", 0);
	request.u.capture.files = 0;
	ck_assert_int_eq(ask(opener.fd, &request, sizeof(request), &reply), 0);
	request.u.capture.files = CAPTURE_FILES_MAX + 1;
	ck_assert_int_eq(ask(opener.fd, &request, sizeof(request), &reply),
			 -EINVAL);
	request.u.capture.files = UINT32_MAX;
	ck_assert_int_eq(ask(opener.fd, &request, sizeof(request), &reply),
			 -EINVAL);
	still_works();
}
END_TEST

static int begin_rotation(const char *name)
{
	struct opener_error error = {""};
	int rotator, fd = ask_name(name, 3, &rotator, &error);

	ck_assert_msg(fd >= 0, "%s", error.text);
	(void)close(fd); /* the capture ends, and the rotator is kept */
	return rotator;
}

START_TEST(rotator_answers_one_question)
{
	static struct opener_request request;
	struct opener_reply reply;
	int rotator = begin_rotation("turn.x");

	for (uint32_t kind = 0; kind < OPENER_KINDS + 2; kind++) {
		request.kind = kind;
		if (kind != OPENER_ASK_CAPTURE)
			ck_assert_int_eq(
				ask(rotator, &request, sizeof(request), &reply),
				-EINVAL);
	}
	ck_assert_int_eq(ask(rotator, &request, 1, &reply), -EINVAL);
	(void)close(rotator);
	still_works();
}
END_TEST

static bool is_there(const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", caps, name);
	return access(path, F_OK) == 0;
}

/* Whatever is asked of it, and for however long, it is about its own files. */
START_TEST(rotator_knows_its_files_only)
{
	static struct opener_request request;
	struct opener_reply reply;
	int fd, rotator = begin_rotation("turn.x");
	char path[128];

	request.kind = OPENER_ASK_CAPTURE;
	request.u.capture.files = 1000;
	(void)snprintf(request.u.capture.path, sizeof(request.u.capture.path),
		       "%s", secret);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(
			ask(rotator, &request, sizeof(request), &reply), 0);
	ck_assert(is_there("turn.x") && is_there("turn.x.2"));
	ck_assert(!is_there("turn.x.3"));
	/* Something else has its name. */
	(void)snprintf(path, sizeof(path), "%s/turn.x", caps);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink(secret, path), 0);
	fd = opener_rotate(rotator);
	ck_assert_int_ge(fd, 0);
	(void)close(fd);
	(void)close(rotator);
	still_works();
}
END_TEST

START_TEST(too_many_rotators)
{
	static int rotators[2 * OPENER_CHANNELS_MAX];
	struct opener_error error = {""};
	size_t n = 0;
	int fd = 0;

	while (fd >= 0) {
		ck_assert_uint_lt(n, ARRAY_SIZE(rotators));
		fd = ask_name("many.x", 2, &rotators[n], &error);
		if (fd >= 0)
			n++;
		close_fd(&fd);
		if (fd < 0 && error.text[0])
			break;
		fd = 0;
	}
	ck_assert_uint_eq(n, OPENER_CHANNELS_MAX - 1);
	ck_assert_ptr_nonnull(strstr(error.text, "(EMFILE)"));
	still_works();
	while (n > 0)
		close_fd(&rotators[--n]);
	/* It hears of that when it hears of it. */
	do {
		fd = ask_name("many.x", 2, &rotators[0], &error);
	} while (fd == -EMFILE);
	ck_assert_int_ge(fd, 0);
	close_fd(&fd);
	close_fd(&rotators[0]);
}
END_TEST

/* Descriptors that come with a request are closed. */
START_TEST(descriptors_of_the_machine)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(8 * sizeof(int))];
	} control = {0};
	struct opener_request request = {.kind = OPENER_ASK_STEERING};
	struct iovec iov = {&request, sizeof(request)};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
	struct opener_reply reply;
	int pair[2], fds[8];
	char byte;

	ck_assert_int_eq(pipe2(pair, O_CLOEXEC), 0);
	for (size_t i = 0; i < 8; i++)
		fds[i] = pair[1];
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(head), fds, sizeof(fds));
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(sendmsg(opener.fd, &msg, 0), sizeof(request));
		ck_assert_int_eq(recv(opener.fd, &reply, sizeof(reply), 0),
				 sizeof(reply));
	}
	(void)close(pair[1]);
	ck_assert_int_eq(read(pair[0], &byte, 1), 0);
	(void)close(pair[0]);
	still_works();
}
END_TEST

/* Requests without end, whose answers nobody takes. */
START_TEST(flood)
{
	static struct opener_request request;
	struct opener_reply reply;
	size_t sent = 0;

	for (unsigned int i = 0; i < 20000; i++) {
		request.kind = i % (OPENER_KINDS + 1);
		sent += send(opener.fd, &request,
			     i % 7 ? sizeof(request) : 1 + i % 300, 0) > 0;
	}
	ck_assert_uint_gt(sent, 0);
	/* Then it is asked for a thing, until the answer is about that. */
	request = (struct opener_request){.kind = OPENER_ASK_CAPTURE};
	(void)snprintf(request.u.capture.path, sizeof(request.u.capture.path),
		       "%s/good.x", caps);
	do {
		ck_assert_int_gt(send(opener.fd, &request, sizeof(request), 0),
				 0);
		ck_assert_int_eq(recv(opener.fd, &reply, sizeof(reply), 0),
				 sizeof(reply));
	} while (reply.err || reply.n_fds != 1);
	while (recv(opener.fd, &reply, sizeof(reply), MSG_DONTWAIT) > 0)
		;
}
END_TEST

/* A message without anything is the end of the conversation, not of the opener. */
START_TEST(empty_message)
{
	struct opener_reply reply;

	ck_assert_int_eq(send(opener.fd, "", 0, 0), 0);
	ck_assert_int_eq(recv(opener.fd, &reply, sizeof(reply), 0), 0);
}
END_TEST

static int ask_tap(const char *name, int64_t fd, uint32_t pairs, uint8_t create,
		   struct opener_reply *reply)
{
	struct opener_request request = {
		.kind = OPENER_ASK_TAP,
		.u.tap = {.fd = fd, .queue_pairs = pairs, .create = create},
	};

	/* All of it: there need not be an end. */
	memcpy(request.u.tap.ifname, name, strnlen(name, IFNAMSIZ));
	return ask(opener.fd, &request, sizeof(request), reply);
}

static void refused_tap(const char *name, int64_t fd, uint32_t pairs,
			uint8_t create, int err)
{
	struct opener_reply reply;

	ck_assert_msg(ask_tap(name, fd, pairs, create, &reply) == err,
		      "%s, %lld, %u, %d: %d: %s", name, (long long)fd, pairs,
		      create, reply.err, reply.text);
	ck_assert_uint_eq(reply.n_fds, 0);
}

START_TEST(taps_outside)
{
	static const char *const names[] = {"",	    "eth0",  "lo",    "no0",
					    "xok0", "../ok", "named", "named0",
					    "OK0",  "o"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		refused_tap(names[i], -1, 1, 1, -EACCES);
	/* Not as it was described. */
	refused_tap("named0", -1, 1, 0, -EACCES);
	refused_tap("named0", -1, 2, 1, -EACCES);
	refused_tap("named0", INT64_MIN, 3, 0, -EACCES);
	for (int64_t fd = 0; fd < 20; fd++) {
		if (config.n_backends < 2 || fd != config.backends[1].fd)
			refused_tap("", fd, 1, 0, -EACCES);
	}
	refused_tap("ok0", 3, 1, 0, -EACCES);
	refused_tap("", INT64_MAX, 1, 0, -EACCES);
}
END_TEST

START_TEST(taps_of_any_kind)
{
	refused_tap("ok0", -1, 0, 1, -EINVAL);
	refused_tap("ok0", -1, CONFIG_MAX_QUEUE_PAIRS + 1, 1, -EINVAL);
	refused_tap("ok0", -1, UINT32_MAX, 1, -EINVAL);
	refused_tap("okthathasnoendatall", -1, 1, 1, -EINVAL);
	refused_tap("ok%d", -1, 1, 1, -EINVAL);
	refused_tap("ok 0", -1, 1, 1, -EINVAL);
	refused_tap("ok0/x", -1, 1, 1, -EINVAL);
}
END_TEST

/* Its number may be anything's when it is gone. */
START_TEST(descriptor_is_given_once)
{
	struct opener_error error = {""};
	int fds[CONFIG_MAX_QUEUE_PAIRS], link_fd;
	size_t n;

	if (no_taps)
		return;
	ck_assert_msg(!opener_tap(&opener, &config.backends[1], fds, &n,
				  &link_fd, &error),
		      "%s", error.text);
	ck_assert_uint_eq(n, 1);
	close_fd(&fds[0]);
	close_fd(&link_fd);
	ck_assert_int_eq(opener_tap(&opener, &config.backends[1], fds, &n,
				    &link_fd, &error),
			 -EBADF);
	ck_assert_ptr_nonnull(strstr(error.text, "used up"));
	ck_assert(!tap_host_exists("fd0"));
}
END_TEST

/* All queues, and nothing of it stays with the opener. */
START_TEST(taps_are_given_away)
{
	struct backend_config backend = config.backends[0];
	struct opener_error error = {""};
	int fds[CONFIG_MAX_QUEUE_PAIRS], link_fd;
	size_t n;

	if (no_taps)
		return;
	ck_assert_int_eq(
		opener_tap(&opener, &backend, fds, &n, &link_fd, &error),
		-ENODEV);
	backend.host_dev_name = "ok0";
	backend.create = true;
	for (int64_t pairs = 1; pairs <= CONFIG_MAX_QUEUE_PAIRS; pairs++) {
		backend.queue_pairs = pairs;
		ck_assert_msg(!opener_tap(&opener, &backend, fds, &n, &link_fd,
					  &error),
			      "%s", error.text);
		ck_assert_int_eq((int64_t)n, pairs);
		ck_assert(tap_host_exists("ok0"));
		while (n > 0)
			close_fd(&fds[--n]);
		close_fd(&link_fd);
		still_works(); /* it closes them before the next request */
		ck_assert(!tap_host_exists("ok0"));
	}
}
END_TEST

/* Numbers of any kind: a program of it does no harm, or there is none. */
START_TEST(steering_of_any_kind)
{
	static struct net_rss rss;
	unsigned char *bytes = (unsigned char *)&rss;

	for (unsigned int i = 0; i < 300; i++) {
		for (size_t k = 0; k < sizeof(rss); k++)
			bytes[k] =
				(unsigned char)(i * 37UL + k * k * 11 + k / 7);
		if (i % 2)
			rss.types &= 0x1ff & ~(i << 3);
		int fd = opener_steering(&opener, &rss);

		close_fd(&fd);
	}
	still_works();
}
END_TEST

START_TEST(steering_is_loaded)
{
	uint16_t table[2] = {0, 1};
	const struct net_rss_config rss_config = {
		.key = (const uint8_t
				*)"forty bytes, no more and no less than it",
		.key_len = NET_RSS_KEY_LEN,
		.indirection_table = table,
		.indirection_table_len = ARRAY_SIZE(table),
		.flags = NET_RSS_IPV4 | NET_RSS_TCPV6,
	};
	struct net_rss rss;
	int ours, theirs;

	net_rss_init(&rss, &rss_config);
	ours = net_rss_bpf_load(&rss);
	theirs = opener_steering(&opener, &rss);
	ck_assert_int_eq(MIN(ours, 0), MIN(theirs, 0));
	close_fd(&ours);
	close_fd(&theirs);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("opener_hostile");
	TCase *tc = tcase_create("hostile");

	no_taps = tap_host_enter() != NULL;
	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, paths_outside);
	tcase_add_test(tc, things_that_are_no_files);
	tcase_add_test(tc, directory_is_replaced);
	tcase_add_test(tc, swapped_while_asked);
	tcase_add_test(tc, names_of_all_lengths);
	tcase_add_test(tc, rotator_answers_one_question);
	tcase_add_test(tc, rotator_knows_its_files_only);
	tcase_add_test(tc, too_many_rotators);
	tcase_add_test(tc, descriptors_of_the_machine);
	tcase_add_test(tc, flood);
	tcase_add_test(tc, empty_message);
	tcase_add_test(tc, taps_outside);
	tcase_add_test(tc, taps_of_any_kind);
	tcase_add_test(tc, descriptor_is_given_once);
	tcase_add_test(tc, taps_are_given_away);
	tcase_add_test(tc, steering_of_any_kind);
	tcase_add_test(tc, steering_is_loaded);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
