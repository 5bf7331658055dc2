/* SPDX-License-Identifier: MIT */
/*
 * The opener's end and the machine's end in one process: the server runs in a
 * thread, as its process would.
 */
#include "machine/opener_client.h"
#include "machine/opener_server.h"
#include "support/run.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char dir[32];
static char kernel[64], control[64];
static struct machine_config config;
static struct launch_options options;
static struct opener_server server;
static struct opener opener, generous;
static unsigned int n_closed;
static pthread_t thread;

/* Until the machine's end is closed. */
static void *serve(void *arg)
{
	struct pollfd fds[OPENER_CHANNELS_MAX];
	size_t n;

	UNUSED(arg);
	while ((n = opener_server_poll(&server, fds)) > 0) {
		(void)poll(fds, n, -1);
		(void)opener_server_serve(&server);
	}
	return NULL;
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
}

/* Gives a descriptor for any request. */
static void give(struct opener_server *s, const struct opener_request *request,
		 struct opener_answer *answer)
{
	UNUSED(request);
	ck_assert_ptr_eq(s, &server);
	ck_assert_ptr_eq(s->serving->arg, &generous);
	opener_answer_fd(answer, open("/dev/null", O_RDONLY | O_CLOEXEC));
}

static void closed_cb(struct opener_channel *channel)
{
	ck_assert_ptr_eq(channel->arg, &generous);
	n_closed++;
}

static void setup(void)
{
	const struct opener_channel channel = {0};
	const struct opener_channel other = {
		.serve = give,
		.closed = closed_cb,
		.arg = &generous,
	};

	(void)snprintf(dir, sizeof(dir), "/tmp/evnic-opener-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(kernel, sizeof(kernel), "%s/kernel", dir);
	(void)snprintf(control, sizeof(control), "%s/control", dir);
	write_file(kernel, "an image");
	config = (struct machine_config){
		.boot.kernel_image_path = kernel,
		.serial.type = CONFIG_SERIAL_NONE,
		.control_socket = control,
	};
	options = (struct launch_options){.ready_fd = -1};
	opener_server_init(&server, &config, &options);
	opener.fd = opener_server_add(&server, &channel);
	ck_assert_int_ge(opener.fd, 0);
	generous.fd = opener_server_add(&server, &other);
	n_closed = 0;
	ck_assert_int_eq(pthread_create(&thread, NULL, serve, NULL), 0);
}

/* Ends the thread. */
static void hang_up(void)
{
	if (opener.fd < 0)
		return;
	close_fd(&opener.fd);
	close_fd(&generous.fd);
	(void)pthread_join(thread, NULL);
}

static void teardown(void)
{
	hang_up();
	opener_server_fini(&server);
	opener_server_fini(&server);
	(void)unlink(kernel);
	ck_assert_int_eq(rmdir(dir), 0);
}

static void refused(enum opener_thing thing, int err, const char *part)
{
	struct opener_error error = {""};

	ck_assert_int_eq(opener_open(&opener, thing, &error), err);
	ck_assert_msg(strstr(error.text, part), "%s", error.text);
	ck_assert_ptr_null(strchr(error.text, '\n'));
}

static size_t count_fds(void)
{
	DIR *fds = opendir("/proc/self/fd");
	size_t n = 0;

	while (readdir(fds))
		n++;
	(void)closedir(fds);
	return n;
}

START_TEST(what_is_named_is_opened_once)
{
	struct opener_error error;
	char text[16] = "";
	int fd = opener_open(&opener, OPENER_KERNEL, &error);

	ck_assert_msg(fd >= 0, "%s", error.text);
	ck_assert_int_eq(read(fd, text, sizeof(text)), 8);
	ck_assert_str_eq(text, "an image");
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	(void)close(fd);
	refused(OPENER_KERNEL, -EACCES, "opened before");
}
END_TEST

START_TEST(what_is_not_named_is_not_opened)
{
	bool is_terminal = true;

	refused(OPENER_INITRD, -EACCES, "names no such thing");
	refused(OPENER_SERIAL, -EACCES, "names no such thing");
	refused(OPENER_METRICS, -EACCES, "names no such thing");
	refused(OPENER_CONSOLE_OUT, -EACCES, "names no such thing");
	refused(OPENER_THINGS, -EACCES, "names no such thing");
	refused((enum opener_thing)1000, -EACCES, "names no such thing");
	ck_assert_int_eq(opener_console_in(&opener, &is_terminal), -EACCES);
	ck_assert(!is_terminal);
}
END_TEST

START_TEST(errors_are_passed_on)
{
	config.boot.kernel_image_path = "/nonexistent/kernel";
	refused(OPENER_KERNEL, -ENOENT,
		"kernel /nonexistent/kernel: No such file or directory "
		"(ENOENT)");
}
END_TEST

/* The opener has the name, the machine alone has the socket. */
START_TEST(a_socket_is_the_machines)
{
	struct opener_error error;
	int fd = opener_open(&opener, OPENER_CONTROL, &error);
	int client = unix_connect(control);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_ge(client, 0);
	(void)close(client);
	refused(OPENER_CONTROL, -EACCES, "opened before");
	(void)close(fd);
	ck_assert_int_eq(unix_connect(control), -ECONNREFUSED);
	hang_up();
	ck_assert_int_eq(access(control, F_OK), 0);
	opener_server_fini(&server);
	ck_assert_int_lt(access(control, F_OK), 0);
}
END_TEST

static int ask(const void *request, size_t size, struct opener_reply *reply)
{
	ck_assert_int_eq(send(opener.fd, request, size, 0), (ssize_t)size);
	ck_assert_int_eq(recv(opener.fd, reply, sizeof(*reply), 0),
			 sizeof(*reply));
	return reply->err;
}

/* How many messages a service manager has got, once all that the machine said
 * has been heard. */
static unsigned int told(int manager)
{
	unsigned int n = 0;
	char text[128];

	refused(OPENER_INITRD, -EACCES, "no such thing");
	while (recv(manager, text, sizeof(text), 0) > 0)
		n++;
	return n;
}

/* A machine that was taken over does not flood the service manager. */
START_TEST(readiness_is_told_once)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int manager =
		socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	char name[64];

	(void)snprintf(name, sizeof(name), "@evnic-opener-%d", (int)getpid());
	memcpy(address.sun_path + 1, name + 1, strlen(name) - 1);
	ck_assert_int_eq(
		bind(manager, (const struct sockaddr *)&address,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				 strlen(name))),
		0);
	(void)setenv("NOTIFY_SOCKET", name, 1);
	notify_init(&server.notify, -1);
	for (unsigned int i = 0; i < 5; i++)
		opener_ready(&opener);
	ck_assert_uint_eq(told(manager), 1);
	server.reloading = true; /* launch.c, after SIGHUP */
	for (unsigned int i = 0; i < 5; i++)
		opener_ready(&opener);
	ck_assert_uint_eq(told(manager), 1);
	(void)close(manager);
}
END_TEST

START_TEST(nonsense_is_refused)
{
	static const uint32_t kinds[] = {OPENER_KINDS, 77, UINT32_MAX};
	struct opener_request request = {.kind = OPENER_ASK_THING};
	static char longer[sizeof(request) + 1];
	struct opener_reply reply;

	ck_assert_int_eq(ask(&request, 1, &reply), -EINVAL);
	ck_assert_int_eq(ask(&request, sizeof(request) - 1, &reply), -EINVAL);
	ck_assert_int_eq(ask(longer, sizeof(longer), &reply), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		request.kind = kinds[i];
		ck_assert_int_eq(ask(&request, sizeof(request), &reply),
				 -EINVAL);
		ck_assert_uint_eq(reply.n_fds, 0);
	}
	request = (struct opener_request){.u.thing.thing = OPENER_KERNEL};
	ck_assert_int_eq(ask(&request, sizeof(request), &reply), 0);
	ck_assert_uint_eq(reply.n_fds, 1);
}
END_TEST

/* Answers that nobody takes are dropped, and what they carry is closed. */
START_TEST(nobody_is_waited_for)
{
	const struct opener_request request = {.kind = OPENER_TELL_READY};
	size_t before = count_fds();
	struct opener_reply reply;
	size_t n = 0;

	for (size_t i = 0; i < 3000; i++)
		ck_assert_int_eq(
			send(generous.fd, &request, sizeof(request), 0),
			sizeof(request));
	while (recv(generous.fd, &reply, sizeof(reply), MSG_DONTWAIT) > 0)
		n++;
	ck_assert_uint_gt(n, 0);
	ck_assert_uint_lt(n, 3000);
	hang_up();
	ck_assert_uint_eq(n_closed, 1);
	ck_assert_uint_lt(count_fds(), before);
}
END_TEST

/* The opener ends while it is asked, and before. */
START_TEST(an_opener_that_has_gone)
{
	struct opener gone;
	int pair[2];
	struct opener_error error;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	gone.fd = pair[0];
	(void)close(pair[1]);
	ck_assert_int_eq(opener_open(&gone, OPENER_KVM, &error), -EPIPE);
	ck_assert_ptr_nonnull(strstr(error.text, "opener"));
	(void)close(pair[0]);
}
END_TEST

static int n_attempts, busy, result;

static int attempt(void *arg)
{
	UNUSED(arg);
	return n_attempts++ < busy ? -EBUSY : result;
}

START_TEST(what_is_in_use_is_tried_again)
{
	n_attempts = 0;
	busy = 3;
	result = -EADDRINUSE;
	ck_assert_int_eq(opener_retry(attempt, NULL), -EADDRINUSE);
	ck_assert_int_gt(n_attempts, 4);
	n_attempts = 0;
	result = 5;
	ck_assert_int_eq(opener_retry(attempt, NULL), 5);
	ck_assert_int_eq(n_attempts, 4);
	n_attempts = 0;
	busy = 0;
	result = -EPERM;
	ck_assert_int_eq(opener_retry(attempt, NULL), -EPERM);
	ck_assert_int_eq(n_attempts, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("opener");
	TCase *tc = tcase_create("opener");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_is_named_is_opened_once);
	tcase_add_test(tc, what_is_not_named_is_not_opened);
	tcase_add_test(tc, errors_are_passed_on);
	tcase_add_test(tc, a_socket_is_the_machines);
	tcase_add_test(tc, readiness_is_told_once);
	tcase_add_test(tc, nonsense_is_refused);
	tcase_add_test(tc, nobody_is_waited_for);
	tcase_add_test(tc, an_opener_that_has_gone);
	tcase_add_test(tc, what_is_in_use_is_tried_again);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
