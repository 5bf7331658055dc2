/* SPDX-License-Identifier: MIT */
/*
 * Readiness: a pipe, and a socket as systemd's.
 */
#include "base/log.h"
#include "machine/notify.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static char dir[] = "/tmp/evnic-notify-XXXXXX";
static char path[64], text[512];
static int server = -1, errors[2];
static pid_t sender;

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/notify", dir);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)unsetenv("NOTIFY_SOCKET");
	ck_assert_int_eq(pipe2(errors, O_CLOEXEC | O_NONBLOCK), 0);
	ck_assert_int_ge(dup2(errors[1], STDERR_FILENO), 0);
}

static void teardown(void)
{
	close_fd(&server);
	(void)unlink(path);
	(void)rmdir(dir);
}

/* Listens at @name, and $NOTIFY_SOCKET says so. */
static void serve(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strlen(name);
	int on = 1;

	memcpy(address.sun_path, name, len);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	server = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert_int_ge(server, 0);
	ck_assert_int_eq(
		bind(server, (const struct sockaddr *)&address,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
		0);
	ck_assert_int_eq(
		setsockopt(server, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)),
		0);
	(void)setenv("NOTIFY_SOCKET", name, 1);
}

/* The next message, "" if there is none; its sender. */
static const char *message(void)
{
	union {
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {.iov_base = text, .iov_len = sizeof(text) - 1};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t n = recvmsg(server, &msg, MSG_CMSG_CLOEXEC);
	const struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&msg);
	struct ucred creds = {0};

	text[n > 0 ? n : 0] = '\0';
	if (c && c->cmsg_type == SCM_CREDENTIALS)
		memcpy(&creds, CMSG_DATA(c), sizeof(creds));
	sender = creds.pid;
	return text;
}

static const char *logged(void)
{
	ssize_t n = read(errors[0], text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void hears_all(void)
{
	unsigned long long at, now;
	struct timespec ts;
	struct notify notify;

	notify_init(&notify, -1);
	ck_assert_ptr_null(getenv("NOTIFY_SOCKET"));
	ck_assert_str_eq(message(), "");
	notify_ready(&notify);
	ck_assert_str_eq(message(), "READY=1\nSTATUS=The machine runs.");
	ck_assert_int_eq(sender, getpid());
	notify_reloading(&notify);
	ck_assert_int_eq(
		sscanf(message(), "RELOADING=1\nMONOTONIC_USEC=%llu\n", &at),
		1);
	ck_assert_ptr_nonnull(strstr(text, "\nSTATUS=The log is opened anew."));
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (unsigned long long)ts.tv_sec * 1000000 +
	      (unsigned long long)ts.tv_nsec / 1000;
	ck_assert(at <= now && now - at < 60000000);
	notify_ready(&notify);
	ck_assert_str_eq(message(), "READY=1\nSTATUS=The machine runs.");
	notify_stopping(&notify);
	ck_assert_str_eq(message(), "STOPPING=1\nSTATUS=The machine ends.");
	notify_stopping(&notify);
	notify_fini(&notify);
	notify_ready(&notify);
	ck_assert_str_eq(message(), "");
	notify_fini(&notify);
	ck_assert_str_eq(logged(), "");
}

START_TEST(systemd_hears_of_it)
{
	serve(path);
	hears_all();
}
END_TEST

START_TEST(also_by_an_abstract_name)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "@evnic-notify-%d", (int)getpid());
	serve(name);
	hears_all();
}
END_TEST

START_TEST(a_pipe_gets_one_line)
{
	struct notify notify;
	char got[16];
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	notify_init(&notify, fds[1]);
	ck_assert_int_eq(fcntl(fds[1], F_GETFD), FD_CLOEXEC);
	notify_ready(&notify);
	ck_assert_int_eq(fcntl(fds[1], F_GETFD), -1);
	ck_assert_int_eq(read(fds[0], got, sizeof(got)), 6);
	ck_assert_int_eq(memcmp(got, "READY\n", 6), 0);
	ck_assert_int_eq(read(fds[0], got, sizeof(got)), 0);
	notify_ready(&notify);
	notify_fini(&notify);
	(void)close(fds[0]);
	ck_assert_str_eq(logged(), "");
}
END_TEST

/* A child closes it without a word; so does a machine that never ran. */
START_TEST(the_end_is_not_readiness)
{
	struct notify notify;
	char got[16];
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	serve(path);
	notify_init(&notify, fds[1]);
	notify_fini(&notify);
	ck_assert_int_eq(read(fds[0], got, sizeof(got)), 0);
	ck_assert_str_eq(message(), "");
	(void)close(fds[0]);
}
END_TEST

START_TEST(failures_are_warnings)
{
	struct notify notify;
	int fds[2];

	/* Nobody reads the pipe, nobody listens any more. */
	ck_assert_int_eq(pipe(fds), 0);
	(void)close(fds[0]);
	serve(path);
	notify_init(&notify, fds[1]);
	close_fd(&server);
	notify_ready(&notify);
	ck_assert_str_eq(
		logged(),
		"evnic: warning: --ready-fd: nobody can be told that the "
		"machine runs: Broken pipe (EPIPE)\n"
		"evnic: warning: systemd cannot be notified: Connection "
		"refused (ECONNREFUSED)\n");
	notify_fini(&notify);
}
END_TEST

START_TEST(odd_addresses_are_refused)
{
	static char longest[200];
	const char *const names[] = {"", "/", "@", "vsock:2:3", longest};

	memset(longest, 'x', sizeof(longest) - 1);
	longest[0] = '/';
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct notify notify;

		(void)setenv("NOTIFY_SOCKET", names[i], 1);
		notify_init(&notify, -1);
		ck_assert_ptr_nonnull(
			strstr(logged(), "NOTIFY_SOCKET must be"));
		ck_assert_ptr_null(getenv("NOTIFY_SOCKET"));
		ck_assert_int_eq(notify.fd, -1);
		notify_ready(&notify);
		ck_assert_str_eq(logged(), "");
		notify_fini(&notify);
	}
}
END_TEST

/* A full queue is waited for, but not for ever. */
START_TEST(a_server_that_does_not_read)
{
	struct notify notify;

	serve(path);
	notify_init(&notify, -1);
	for (unsigned int i = 0; !*logged(); i++) {
		ck_assert_uint_lt(i, 10000);
		notify_ready(&notify);
	}
	ck_assert_ptr_nonnull(strstr(text, "(EAGAIN)"));
	notify_fini(&notify);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("notify");
	TCase *tc = tcase_create("notify");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, systemd_hears_of_it);
	tcase_add_test(tc, also_by_an_abstract_name);
	tcase_add_test(tc, a_pipe_gets_one_line);
	tcase_add_test(tc, the_end_is_not_readiness);
	tcase_add_test(tc, failures_are_warnings);
	tcase_add_test(tc, odd_addresses_are_refused);
	tcase_add_test(tc, a_server_that_does_not_read);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
