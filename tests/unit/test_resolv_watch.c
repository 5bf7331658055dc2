/* SPDX-License-Identifier: MIT */
/*
 * The host's resolv.conf in a machine: what it says at first, and whenever it
 * says something else. The opener is a process, as in evnic run.
 */
#include "machine/opener_client.h"
#include "machine/opener_server.h"
#include "machine/resolv_watch.h"
#include "support/run.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Longer than it ever takes. */
#define PATIENCE 60.

static char dir[64], path[96], other[96];
static struct machine_config config = {.sandbox.sockets = true};
static struct opener opener;
static struct loop loop;
static ev_timer patience;
static pid_t pid;
static unsigned int n_changes;
static char last[128];

static void serve(struct opener_server *server)
{
	struct pollfd fds[OPENER_CHANNELS_MAX];
	size_t n;

	while ((n = opener_server_poll(server, fds)) > 0) {
		(void)poll(fds, n, -1);
		(void)opener_server_serve(server);
	}
}

static void write_file(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
}

static void too_late_cb(struct ev_loop *ev, ev_timer *w, int revents)
{
	UNUSED(ev);
	UNUSED(w);
	UNUSED(revents);
	ck_abort_msg("no change");
}

static void setup(void)
{
	static const struct launch_options options = {.ready_fd = -1};
	static struct opener_server server;
	const struct opener_channel channel = {0};

	(void)snprintf(dir, sizeof(dir), "/tmp/evnic-resolv-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/resolv.conf", dir);
	(void)snprintf(other, sizeof(other), "%s/other", dir);
	opener_server_init(&server, &config, &options);
	server.resolv_conf = path;
	opener.fd = opener_server_add(&server, &channel);
	ck_assert_int_ge(opener.fd, 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close_fd(&opener.fd);
		serve(&server);
		_exit(0);
	}
	opener_server_fini(&server);
	ck_assert_int_eq(loop_init(&loop), 0);
	ev_timer_init(&patience, too_late_cb, PATIENCE, 0.);
	ev_timer_start(loop.ev, &patience);
}

static void teardown(void)
{
	close_fd(&opener.fd);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ev_timer_stop(loop.ev, &patience);
	loop_fini(&loop);
	(void)unlink(path);
	(void)unlink(other);
	ck_assert_int_eq(rmdir(dir), 0);
}

static void changed_cb(void *arg, const char *text)
{
	ck_assert_ptr_eq(arg, &loop);
	n_changes++;
	(void)snprintf(last, sizeof(last), "%.100s", text);
	loop_stop(&loop);
}

static struct resolv_watch *watch(void)
{
	struct resolv_watch *w;

	ck_assert_int_eq(
		resolv_watch_create(&loop, &opener, changed_cb, &loop, &w), 0);
	return w;
}

static void await(struct resolv_watch *w, const char *text)
{
	loop_run(&loop);
	ck_assert_str_eq(last, text);
	ck_assert_str_eq(resolv_watch_text(w), text);
}

START_TEST(tells_each_change)
{
	struct resolv_watch *w;

	write_file(path, "one\n");
	w = watch();
	ck_assert_str_eq(resolv_watch_text(w), "one\n");
	ck_assert_uint_eq(n_changes, 0);
	for (int i = 0; i < 3; i++) {
		char text[32];

		(void)snprintf(text, sizeof(text), "turn %d\n", i);
		if (i % 2) {
			write_file(other, text);
			ck_assert_int_eq(rename(other, path), 0);
		} else {
			write_file(path, text);
		}
		await(w, text);
	}
	ck_assert_uint_eq(n_changes, 3);
	resolv_watch_destroy(w);
}
END_TEST

/* What is the same as before is no change: the one after it is the first that is
 * told. */
START_TEST(the_same_is_no_change)
{
	struct resolv_watch *w;

	write_file(path, "one\n");
	w = watch();
	write_file(path, "one\n");
	write_file(other, "beside it\n");
	ev_run(loop.ev, EVRUN_ONCE);
	ck_assert_uint_eq(n_changes, 0);
	write_file(path, "two\n");
	await(w, "two\n");
	ck_assert_uint_eq(n_changes, 1);
	resolv_watch_destroy(w);
}
END_TEST

START_TEST(comes_and_goes)
{
	struct resolv_watch *w = watch();

	ck_assert_str_eq(resolv_watch_text(w), "");
	write_file(path, "late\n");
	await(w, "late\n");
	ck_assert_int_eq(unlink(path), 0);
	await(w, "");
	resolv_watch_destroy(w);
}
END_TEST

/* Without an opener that answers there is nothing, and no harm. */
START_TEST(nobody_answers)
{
	struct opener gone = {.fd = -1};
	struct resolv_watch *w;

	ck_assert_int_eq(
		resolv_watch_create(&loop, &gone, changed_cb, &loop, &w), 0);
	ck_assert_str_eq(resolv_watch_text(w), "");
	resolv_watch_destroy(w);
	resolv_watch_destroy(NULL);
}
END_TEST

/* Much text is cut, and a zero ends it. */
START_TEST(odd_text)
{
	static char text[40000];
	struct resolv_watch *w;
	int fd;

	memset(text, 'x', sizeof(text) - 1);
	write_file(path, text);
	w = watch();
	ck_assert_uint_gt(strlen(resolv_watch_text(w)), 8000);
	ck_assert_uint_lt(strlen(resolv_watch_text(w)), 39000);
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	ck_assert_int_eq(write(fd, "a\0b", 3), 3);
	(void)close(fd);
	await(w, "a");
	resolv_watch_destroy(w);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("resolv_watch");
	TCase *tc = tcase_create("core");

	suite_add_tcase(suite, tc);
	tcase_set_timeout(tc, 300);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, tells_each_change);
	tcase_add_test(tc, the_same_is_no_change);
	tcase_add_test(tc, comes_and_goes);
	tcase_add_test(tc, nobody_answers);
	tcase_add_test(tc, odd_text);
	return test_run(suite);
}
