/* SPDX-License-Identifier: MIT */
/*
 * What a confined opener gives to a machine with sockets: those that listen, and
 * the host's resolv.conf; and what it refuses.
 */
#include "backends/consomme/consomme.h"
#include "machine/kinds.h"
#include "machine/opener_client.h"
#include "machine/opener_server.h"
#include "sandbox/sandbox.h"
#include "support/run.h"
#include "support/skip.h"
#include "support/tap_host.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS 60000

static const char *const forwards[] = {
	"tcp:127.0.0.1:80-:80",
	"udp::500..510-:500",
	"no forward",
};

/* @dir: of the test; in it "etc/resolv.conf" leads to "run/real". */
static char dir[64], resolv_conf[96], real[96];
static struct machine_config config;
static struct opener opener;
static pid_t pid;

static bool confine(void)
{
#ifdef CONFINED
	const struct sandbox_config sandbox = {
		.seccomp = SANDBOX_SECCOMP_ON,
		.uid = -1,
		.gid = -1,
		.sockets = config.sandbox.sockets,
	};
	static struct sandbox_report report;
	char error[512];

	return sandbox_enter_opener(&sandbox, &report, error, sizeof(error)) ==
	       0;
#else
	return true;
#endif
}

static int serve(struct opener_server *server)
{
	struct pollfd fds[OPENER_CHANNELS_MAX];
	size_t n;

	if (!confine())
		return 3;
	while ((n = opener_server_poll(server, fds)) > 0) {
		if (poll(fds, n, -1) < 0)
			return 1;
		(void)opener_server_serve(server);
	}
	return 0;
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
}

static const char *path_of(const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void make_files(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/evnic-sockets-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(resolv_conf, sizeof(resolv_conf), "%s/etc/resolv.conf",
		       dir);
	(void)snprintf(real, sizeof(real), "%s/run/real", dir);
	ck_assert_int_eq(mkdir(path_of("etc"), 0700), 0);
	ck_assert_int_eq(mkdir(path_of("run"), 0700), 0);
	write_file(real, "nameserver 10.0.0.1\n");
	ck_assert_int_eq(symlink("../run/real", resolv_conf), 0);
}

static void begin(bool sockets)
{
	static const struct launch_options options = {.ready_fd = -1};
	static struct opener_server server;
	const struct opener_channel channel = {0};

	config = (struct machine_config){
		.serial.type = CONFIG_SERIAL_NONE,
		.sandbox.sockets = sockets,
		.backends = {{
			.id = "u",
			.type = endpoint_kind_consomme(),
			.consomme.hostfwd = {forwards, ARRAY_SIZE(forwards)},
		}},
		.n_backends = 1,
	};
	opener_server_init(&server, &config, &options);
	server.resolv_conf = resolv_conf;
	/* A retry is for the start. */
	server.ready = true;
	opener.fd = opener_server_add(&server, &channel);
	ck_assert_int_ge(opener.fd, 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close_fd(&opener.fd);
		_exit(serve(&server));
	}
	for (size_t i = 0; i < OPENER_CHANNELS_MAX; i++)
		close_fd(&server.channels[i].fd);
	opener_server_fini(&server);
}

static void setup(void)
{
	make_files();
	begin(true);
}

static void teardown(void)
{
	static const char *const names[] = {"etc/resolv.conf", "etc/new",
					    "run/real", "run/new", "run/other"};
	int status;

	close_fd(&opener.fd);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (unlink(path_of(names[i])) < 0)
			(void)rmdir(path_of(names[i]));
	ck_assert_int_eq(rmdir(path_of("etc")), 0);
	ck_assert_int_eq(rmdir(path_of("run")), 0);
	ck_assert_int_eq(rmdir(dir), 0);
}

/* Port @i of the forward that @text is. */
static int ask(const char *text, uint16_t i, struct opener_error *error)
{
	struct consomme_forward f;
	const char *why;

	ck_assert_int_eq(consomme_forward_parse(text, &f, &why), 0);
	error->text[0] = '\0';
	return opener_listen(&opener, &f, i, error);
}

static int get(const char *text)
{
	struct opener_error error;
	int fd = ask(text, 0, &error);

	ck_assert_msg(fd >= 0, "%s", error.text);
	return fd;
}

static void refused(const char *text, uint16_t i, int err, const char *why)
{
	struct opener_error error;

	ck_assert_int_eq(ask(text, i, &error), err);
	ck_assert_msg(strstr(error.text, why), "%s", error.text);
	ck_assert_ptr_null(strchr(error.text, '\n'));
}

static int option(int fd, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, name, &value, &len), 0);
	return value;
}

static void check_flags(int fd)
{
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

START_TEST(tcp_listens)
{
	struct sockaddr_in sa = {
		.sin_family = AF_INET,
		.sin_port = htons(2222),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = get("tcp:127.0.0.1:2222-:22");
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	check_flags(fd);
	ck_assert_int_eq(option(fd, SO_TYPE), SOCK_STREAM);
	ck_assert_int_eq(option(fd, SO_ACCEPTCONN), 1);
	ck_assert_int_eq(connect(client, (struct sockaddr *)&sa, sizeof(sa)),
			 0);
	refused("tcp:127.0.0.1:2222-:22", 0, -EADDRINUSE,
		"tcp 127.0.0.1:2222: Address already in use (EADDRINUSE): "
		"somebody has this port");
	refused("tcp::2222-:22", 0, -EADDRINUSE, "tcp 0.0.0.0:2222");
	/* The connection's end does not keep it from being had again. */
	(void)close(fd);
	(void)close(client);
	fd = get("tcp:127.0.0.1:2222-:22");
	(void)close(fd);
}
END_TEST

START_TEST(udp_is_bound)
{
	int fd = get("udp::5000..5009-:53");
	struct opener_error error;
	int last;

	check_flags(fd);
	ck_assert_int_eq(option(fd, SO_TYPE), SOCK_DGRAM);
	refused("udp::5000-:53", 0, -EADDRINUSE, "udp 0.0.0.0:5000");
	last = ask("udp::5000..5009-:53", 9, &error);
	ck_assert_int_ge(last, 0);
	refused("udp::5009-:53", 0, -EADDRINUSE, "udp 0.0.0.0:5009");
	(void)close(last);
	(void)close(fd);
}
END_TEST

START_TEST(both_versions_side_by_side)
{
	int fd4 = get("tcp::3000-:1"), fd6 = get("tcp:[::]:3000-:1");

	ck_assert_int_eq(option(fd4, SO_DOMAIN), AF_INET);
	ck_assert_int_eq(option(fd6, SO_DOMAIN), AF_INET6);
	(void)close(fd4);
	(void)close(fd6);
}
END_TEST

/* Low ports are those of the description, in each of their parts. */
START_TEST(low_ports)
{
	struct opener_error error;
	int fd = get("tcp:127.0.0.1:80-:8080");

	(void)close(fd);
	fd = ask("udp::500..510-:1", 10, &error);
	ck_assert_int_ge(fd, 0);
	(void)close(fd);
	refused("udp::500..520-:1", 11, -EACCES, "from 1024 on");
	refused("tcp::80-:80", 0, -EACCES, "0.0.0.0:80");
	refused("udp:127.0.0.1:80-:80", 0, -EACCES, "from 1024 on");
	refused("tcp:127.0.0.1:81-:80", 0, -EACCES, "from 1024 on");
	refused("tcp::1023-:80", 0, -EACCES, "from 1024 on");
	fd = get("tcp::1024-:80");
	(void)close(fd);
}
END_TEST

START_TEST(addresses_that_are_not_ours)
{
	refused("tcp:192.0.2.1:2222-:22", 0, -EADDRNOTAVAIL,
		"no interface of this host has this address");
}
END_TEST

START_TEST(no_sockets)
{
	int status, watch;

	close_fd(&opener.fd);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	begin(false);
	refused("tcp:127.0.0.1:80-:80", 0, -EACCES,
		"\"sandbox\": {\"sockets\": true}");
	refused("tcp::2222-:22", 0, -EACCES, "may not have sockets");
	ck_assert_int_eq(opener_resolv_conf(&opener, &watch), -EACCES);
	ck_assert_int_eq(watch, -1);
}
END_TEST

/* What no client of ours would send. */
START_TEST(wrong_requests)
{
	static const struct opener_listen_request asks[] = {
		{.proto = 2, .addr = {[10] = 0xff, 0xff}, .port = 2222},
		{.proto = 0x80000000, .port = 2222},
		{.proto = UINT32_MAX, .port = 2222},
		{.proto = CONSOMME_TCP, .addr = {[10] = 0xff, 0xff}},
		{.proto = CONSOMME_UDP, .port = 0},
		{.proto = CONSOMME_TCP, .addr = {0xff, 2}, .port = 2222},
		{.proto = CONSOMME_TCP,
		 .addr = {[10] = 0xff, 0xff, 224, 0, 0, 1},
		 .port = 2222},
		{.proto = CONSOMME_TCP, .addr = {0xfe, 0x80}, .port = 2222},
	};
	struct opener_request request = {.kind = OPENER_ASK_LISTEN};
	struct opener_reply reply;
	int fds[OPENER_FDS_MAX];
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(asks); i++) {
		request.u.listen = asks[i];
		ck_assert_msg(opener_ask(&opener, &request, &reply, fds) < 0,
			      "%zu", i);
		ck_assert_int_gt(strlen(reply.text), 0);
	}
	fd = get("tcp::2222-:22");
	(void)close(fd);
}
END_TEST

/* The text that there is now, and a watch. */
static int read_resolv_conf(const char *text)
{
	int watch, fd = opener_resolv_conf(&opener, &watch);
	char buf[64] = "";

	ck_assert_int_ge(watch, 0);
	ck_assert_int_eq(fcntl(watch, F_GETFD), FD_CLOEXEC);
	if (!text) {
		ck_assert_int_eq(fd, -ENOENT);
		return watch;
	}
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	ck_assert_int_ge(read(fd, buf, sizeof(buf) - 1), 0);
	ck_assert_str_eq(buf, text);
	(void)close(fd);
	return watch;
}

static void nothing_happens(int watch)
{
	struct pollfd p = {.fd = watch, .events = POLLIN};

	ck_assert_int_eq(poll(&p, 1, 0), 0);
}

static void it_tells(int watch)
{
	struct pollfd p = {.fd = watch, .events = POLLIN};

	ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
	(void)close(watch);
}

START_TEST(resolv_conf_changes)
{
	int watch = read_resolv_conf("nameserver 10.0.0.1\n");

	nothing_happens(watch);
	/* Written to. */
	write_file(real, "two\n");
	it_tells(watch);
	watch = read_resolv_conf("two\n");
	nothing_happens(watch);
	/* Another in place of what the link leads to. */
	write_file(path_of("run/new"), "three\n");
	(void)close(watch);
	watch = read_resolv_conf("two\n");
	ck_assert_int_eq(rename(path_of("run/new"), real), 0);
	it_tells(watch);
	watch = read_resolv_conf("three\n");
	/* Another link. */
	write_file(path_of("run/other"), "four\n");
	(void)close(watch);
	watch = read_resolv_conf("three\n");
	ck_assert_int_eq(symlink("../run/other", path_of("etc/new")), 0);
	(void)close(watch);
	watch = read_resolv_conf("three\n");
	ck_assert_int_eq(rename(path_of("etc/new"), resolv_conf), 0);
	it_tells(watch);
	watch = read_resolv_conf("four\n");
	(void)close(watch);
}
END_TEST

START_TEST(resolv_conf_comes_late)
{
	int watch;

	ck_assert_int_eq(unlink(resolv_conf), 0);
	watch = read_resolv_conf(NULL);
	nothing_happens(watch);
	write_file(resolv_conf, "late\n");
	it_tells(watch);
	watch = read_resolv_conf("late\n");
	(void)close(watch);
}
END_TEST

/* Only a file is given. */
START_TEST(resolv_conf_is_something_else)
{
	int watch;

	ck_assert_int_eq(unlink(resolv_conf), 0);
	ck_assert_int_eq(mkfifo(resolv_conf, 0600), 0);
	ck_assert_int_lt(opener_resolv_conf(&opener, &watch), 0);
	close_fd(&watch);
	ck_assert_int_eq(unlink(resolv_conf), 0);
	ck_assert_int_eq(mkdir(resolv_conf, 0700), 0);
	ck_assert_int_lt(opener_resolv_conf(&opener, &watch), 0);
	close_fd(&watch);
	ck_assert_int_eq(rmdir(resolv_conf), 0);
	ck_assert_int_eq(symlink("resolv.conf", resolv_conf), 0);
	ck_assert_int_lt(opener_resolv_conf(&opener, &watch), 0);
	close_fd(&watch);
}
END_TEST

int main(void)
{
	const char *obstacle = tap_host_enter();
	Suite *suite = suite_create("opener_sockets");
	TCase *tc = tcase_create("sockets");

	if (obstacle)
		return test_skip(obstacle);
	tap_host_set_up("lo", true);
	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, tcp_listens);
	tcase_add_test(tc, udp_is_bound);
	tcase_add_test(tc, both_versions_side_by_side);
	tcase_add_test(tc, low_ports);
	tcase_add_test(tc, addresses_that_are_not_ours);
	tcase_add_test(tc, no_sockets);
	tcase_add_test(tc, wrong_requests);
	tcase_add_test(tc, resolv_conf_changes);
	tcase_add_test(tc, resolv_conf_comes_late);
	tcase_add_test(tc, resolv_conf_is_something_else);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
