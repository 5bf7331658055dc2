/* SPDX-License-Identifier: MIT */
/*
 * A page of text by HTTP/1.0 (RFC 1945).
 *
 * A connection: reads the request up to its empty line, of which only the first
 * line counts; then writes the answer; then ends. It has TIMEOUT_S seconds for
 * all of it, a request has REQUEST_MAX bytes, and there are CONNECTIONS_MAX of
 * them at a time.
 */
#include "machine/http_page.h"

#include "base/log.h"
#include "machine/unix_listen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define CONNECTIONS_MAX 16
#define REQUEST_MAX	4096
#define TIMEOUT_S	10.0
/* How long nobody is accepted after that failed. */
#define RETRY_S 1.0

/* @answer: NULL while the request is read. */
struct connection {
	struct http_page *page;
	struct connection *next, **prev_next;
	int fd;
	ev_io io;
	ev_timer timeout;
	char request[REQUEST_MAX + 1];
	size_t len;
	char *answer;
	size_t answer_len, sent;
};

struct http_page {
	struct http_page_config config;
	ev_io acceptable;
	ev_timer retry;
	struct connection *connections;
	size_t n;
	struct log_limit errors;
};

static void connection_destroy(struct connection *c)
{
	struct http_page *page = c->page;

	*c->prev_next = c->next;
	if (c->next)
		c->next->prev_next = c->prev_next;
	page->n--;
	ev_io_stop(page->config.loop->ev, &c->io);
	ev_timer_stop(page->config.loop->ev, &c->timeout);
	close_fd(&c->fd);
	free(c->answer);
	free(c);
}

/* Makes the answer: @status with the page, or with a line of text. 0 or
 * -ENOMEM. */
static int make_answer(struct connection *c, const char *status, bool head)
{
	const struct http_page_config *config = &c->page->config;
	bool good = strncmp(status, "200", 3) == 0;
	char *body = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&body, &len);
	int n;

	if (!out)
		return -ENOMEM;
	if (good)
		config->write(config->arg, out);
	else
		(void)fprintf(out, "%s: the page is %s\n", status,
			      config->name);
	if (fclose(out) != 0) {
		free(body);
		return -ENOMEM;
	}
	n = asprintf(&c->answer,
		     "HTTP/1.0 %s\r\nContent-Type: %s\r\n"
		     "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
		     status, good ? config->content_type : "text/plain", len,
		     head ? "" : body);
	free(body);
	if (n < 0) {
		c->answer = NULL;
		return -ENOMEM;
	}
	c->answer_len = (size_t)n;
	return 0;
}

/* Cuts the next word off the request line; NULL: there is none. */
static char *next_word(char **line)
{
	char *word = *line + strspn(*line, " ");
	size_t n = strcspn(word, " ");

	if (n == 0)
		return NULL;
	*line = word + n + (word[n] != '\0');
	word[n] = '\0';
	return word;
}

/* Answers a request that is complete. 0 or -errno. */
static int answer(struct connection *c)
{
	char *line = c->request, *method, *target, *version;
	bool head;

	line[strcspn(line, "\r\n")] = '\0';
	method = next_word(&line);
	target = next_word(&line);
	version = next_word(&line);
	if (!method || !target || !version || strncmp(version, "HTTP/", 5) != 0)
		return make_answer(c, "400 Bad Request", false);
	head = strcmp(method, "HEAD") == 0;
	if (!head && strcmp(method, "GET") != 0)
		return make_answer(c, "405 Method Not Allowed", false);
	target[strcspn(target, "?")] = '\0';
	if (strcmp(target, c->page->config.name) != 0 &&
	    strcmp(target, "/") != 0)
		return make_answer(c, "404 Not Found", head);
	return make_answer(c, "200 OK", head);
}

/* Is there an empty line, with or without carriage returns? */
static bool is_complete(const char *request)
{
	return strstr(request, "\r\n\r\n") || strstr(request, "\n\n");
}

/* 0, or -errno: the connection ends. */
static int receive(struct connection *c)
{
	ssize_t n = recv(c->fd, c->request + c->len, REQUEST_MAX - c->len,
			 MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -EPIPE;
	c->len += (size_t)n;
	c->request[c->len] = '\0';
	if (is_complete(c->request))
		return answer(c);
	if (c->len == REQUEST_MAX)
		return make_answer(c, "431 Request Header Fields Too Large",
				   false);
	return 0;
}

/* 0, or -errno: the connection ends, if only because all is sent. */
static int transmit(struct connection *c)
{
	ssize_t n = send(c->fd, c->answer + c->sent, c->answer_len - c->sent,
			 MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	c->sent += (size_t)n;
	return c->sent == c->answer_len ? -EPIPE : 0;
}

static void io_cb(struct ev_loop *ev, ev_io *w, int revents)
{
	struct connection *c = container_of(w, struct connection, io);
	int err = 0;

	UNUSED(revents);
	if (!c->answer)
		err = receive(c);
	if (err == 0 && c->answer) {
		ev_io_stop(ev, w);
		ev_io_set(w, c->fd, EV_WRITE);
		ev_io_start(ev, w);
		err = transmit(c);
	}
	if (err < 0)
		connection_destroy(c);
}

static void timeout_cb(struct ev_loop *ev, ev_timer *w, int revents)
{
	UNUSED(ev);
	UNUSED(revents);
	connection_destroy(container_of(w, struct connection, timeout));
}

static void connection_create(struct http_page *page, int fd)
{
	struct connection *c =
		page->n < CONNECTIONS_MAX ? calloc(1, sizeof(*c)) : NULL;

	if (!c) {
		unix_refuse(fd, "HTTP/1.0 503 Service Unavailable\r\n\r\n");
		return;
	}
	c->page = page;
	c->fd = fd;
	c->next = page->connections;
	c->prev_next = &page->connections;
	if (c->next)
		c->next->prev_next = &c->next;
	page->connections = c;
	page->n++;
	ev_io_init(&c->io, io_cb, fd, EV_READ);
	ev_io_start(page->config.loop->ev, &c->io);
	ev_timer_init(&c->timeout, timeout_cb, TIMEOUT_S, 0.);
	ev_timer_start(page->config.loop->ev, &c->timeout);
}

static void acceptable_cb(struct ev_loop *ev, ev_io *w, int revents)
{
	struct http_page *page = container_of(w, struct http_page, acceptable);
	char cause[ERRNO_TEXT_MAX];
	int fd = accept4(page->config.fd, NULL, NULL,
			 SOCK_CLOEXEC | SOCK_NONBLOCK);

	UNUSED(revents);
	if (fd >= 0) {
		connection_create(page, fd);
	} else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		log_limited(&page->errors, LOG_LEVEL_WARN,
			    "%s: a connection cannot be accepted: %s",
			    page->config.path,
			    errno_text(errno, cause, sizeof(cause)));
		ev_io_stop(ev, w);
		ev_timer_again(ev, &page->retry);
	}
}

static void retry_cb(struct ev_loop *ev, ev_timer *w, int revents)
{
	struct http_page *page = container_of(w, struct http_page, retry);

	UNUSED(revents);
	ev_timer_stop(ev, w);
	ev_io_start(ev, &page->acceptable);
}

int http_page_create(const struct http_page_config *config,
		     struct http_page **out)
{
	struct http_page *page = calloc(1, sizeof(*page));

	if (!page)
		return -ENOMEM;
	page->config = *config;
	ev_init(&page->retry, retry_cb);
	page->retry.repeat = RETRY_S;
	ev_io_init(&page->acceptable, acceptable_cb, page->config.fd, EV_READ);
	ev_io_start(config->loop->ev, &page->acceptable);
	*out = page;
	return 0;
}

void http_page_destroy(struct http_page *page)
{
	struct connection *c, *next;

	if (!page)
		return;
	ev_io_stop(page->config.loop->ev, &page->acceptable);
	ev_timer_stop(page->config.loop->ev, &page->retry);
	for (c = page->connections; c; c = next) {
		next = c->next;
		connection_destroy(c);
	}
	close_fd(&page->config.fd);
	free(page);
}
