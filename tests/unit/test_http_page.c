/* SPDX-License-Identifier: MIT */
/*
 * A page by HTTP: requests good and bad, in pieces, without end, too many.
 */
#include "machine/http_page.h"
#include "machine/unix_listen.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define HEAD(status, type, length)                   \
	"HTTP/1.0 " status "\r\nContent-Type: " type \
	"\r\nContent-Length: " length "\r\nConnection: close\r\n\r\n"
#define GOOD HEAD("200 OK", "text/x", "7") "page 0\n"

static struct loop loop;
static struct http_page *page;
static struct unix_listener listener;
static char dir[] = "/tmp/evnic-http-XXXXXX";
static char path[64];
static char text[1 << 16];
static unsigned int written;
static size_t page_bytes;

static void write_cb(void *arg, FILE *out)
{
	ck_assert_ptr_eq(arg, &written);
	(void)fprintf(out, "page %u\n", written++);
	for (size_t i = 0; i < page_bytes; i++)
		(void)fputc('x', out);
}

static void setup(void)
{
	struct http_page_config config = {
		.loop = &loop,
		.path = path,
		.name = "/page",
		.content_type = "text/x",
		.write = write_cb,
		.arg = &written,
	};
	char error[512];

	page_bytes = 0;

	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/sock", dir);
	ck_assert_int_eq(loop_init(&loop), 0);
	ck_assert_int_eq(unix_listen(&listener, path, error, sizeof(error)), 0);
	config.fd = listener.fd;
	ck_assert_int_eq(http_page_create(&config, &page), 0);
	listener.fd = -1; /* the page's */
}

static void teardown(void)
{
	http_page_destroy(page);
	unix_listener_fini(&listener);
	loop_fini(&loop);
	ck_assert_int_eq(rmdir(dir), 0);
}

static int connect_client(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, path, sizeof(path));
	ck_assert_int_eq(
		connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	loop_run_once(&loop);
	return fd;
}

static void say(int fd, const char *what)
{
	size_t len = strlen(what);

	ck_assert_int_eq(send(fd, what, len, MSG_NOSIGNAL), (ssize_t)len);
	loop_run_once(&loop);
}

/* All that comes, up to the end of the connection, which is closed. */
static const char *hear(int fd)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = recv(fd, text + len, sizeof(text) - 1 - len, 0);
		if (n < 0 && errno == EAGAIN)
			loop_run_once(&loop);
		else if (n > 0)
			len += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EAGAIN));
	text[len] = '\0';
	(void)close(fd);
	return text;
}

static const struct {
	const char *request, *answer;
} rows[] = {
	{"GET /page HTTP/1.0\r\n\r\n", GOOD},
	{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", GOOD},
	{"GET /page?a=b HTTP/1.0\n\n", GOOD},
	{"HEAD /page HTTP/1.0\r\n\r\n", HEAD("200 OK", "text/x", "7")},
	{"GET /pages HTTP/1.0\r\n\r\n",
	 HEAD("404 Not Found", "text/plain", "33") "404 Not Found: the page is "
						   "/page\n"},
	{"PUT /page HTTP/1.0\r\n\r\n",
	 HEAD("405 Method Not Allowed", "text/plain",
	      "42") "405 Method Not Allowed: the page is /page\n"},
	{"GET /page\r\n\r\n",
	 HEAD("400 Bad Request", "text/plain",
	      "35") "400 Bad Request: the page is /page\n"},
	{"\r\n\r\n", HEAD("400 Bad Request", "text/plain",
			  "35") "400 Bad Request: the page is /page\n"},
};

START_TEST(requests_are_answered)
{
	const char *request = rows[_i].request;
	int fd;

	written = 0;
	fd = connect_client();
	say(fd, request);
	ck_assert_str_eq(hear(fd), rows[_i].answer);
	/* A byte at a time. */
	written = 0;
	fd = connect_client();
	for (size_t i = 0; request[i]; i++) {
		const char byte[] = {request[i], '\0'};

		say(fd, byte);
	}
	ck_assert_str_eq(hear(fd), rows[_i].answer);
}
END_TEST

START_TEST(a_request_without_end)
{
	int fd = connect_client();

	memset(text, 'x', 5000);
	text[5000] = '\0';
	say(fd, text);
	(void)hear(fd);
	ck_assert_int_eq(strncmp(text, "HTTP/1.0 431 ", 13), 0);
}
END_TEST

START_TEST(half_a_request)
{
	int fd = connect_client();

	say(fd, "GET /pa");
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	ck_assert_str_eq(hear(fd), "");
}
END_TEST

START_TEST(a_large_page)
{
	int fd;

	page_bytes = 3000000;
	fd = connect_client();
	say(fd, "GET /page HTTP/1.0\r\n\r\n");
	for (size_t left = page_bytes; left > 0;) {
		ssize_t n = recv(fd, text, sizeof(text), 0);

		ck_assert(n > 0 || (n < 0 && errno == EAGAIN));
		if (n > 0)
			left -= MIN((size_t)n, left);
		else
			loop_run_once(&loop);
	}
	(void)hear(fd);
}
END_TEST

START_TEST(more_connections_than_places)
{
	int fds[16], fd;

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = connect_client();
	fd = connect_client();
	(void)hear(fd);
	ck_assert_int_eq(strncmp(text, "HTTP/1.0 503 ", 13), 0);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		written = 0;
		say(fds[i], rows[0].request);
		ck_assert_str_eq(hear(fds[i]), GOOD);
	}
	written = 0;
	fd = connect_client();
	say(fd, rows[0].request);
	ck_assert_str_eq(hear(fd), GOOD);
	/* One that is there at the end. */
	fd = connect_client();
	say(fd, "GET");
	http_page_destroy(page);
	page = NULL;
	ck_assert_str_eq(hear(fd), "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("http_page");
	TCase *tc = tcase_create("http_page");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, requests_are_answered, 0, ARRAY_SIZE(rows));
	tcase_add_test(tc, a_request_without_end);
	tcase_add_test(tc, half_a_request);
	tcase_add_test(tc, a_large_page);
	tcase_add_test(tc, more_connections_than_places);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
