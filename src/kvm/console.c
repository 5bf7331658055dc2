/* SPDX-License-Identifier: MIT */
/*
 * Console input and output that never block the loop. Whoever opened the files
 * has seen to that (kvm/open.c), and to the terminal's mode.
 */
#include "kvm/console.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_S     1.0
#define FINAL_FLUSH_MS 1000
#define KEY_ESCAPE     0x01 /* Ctrl-A */
#define INPUT_CHUNK    64
#define INPUT_PAUSE_S  1.0

/* The reader has gone, or the disk is full: the guest goes on without. */
static void give_up_output(struct console *console, int err)
{
	char cause[ERRNO_TEXT_MAX];

	log_warn("console: the guest's output is discarded from now on: %s",
		 errno_text(err, cause, sizeof(cause)));
	ev_io_stop(console->loop->ev, &console->writable);
	close_fd(&console->out_fd);
	console->fill = 0;
}

static void flush(struct console *console)
{
	while (console->fill) {
		size_t run = MIN(console->fill, CONSOLE_BUFFER - console->head);
		ssize_t n = write(console->out_fd,
				  console->buffer + console->head, run);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			ev_io_start(console->loop->ev, &console->writable);
			return;
		}
		if (n <= 0) {
			give_up_output(console, errno);
			return;
		}
		console->head = (console->head + (size_t)n) % CONSOLE_BUFFER;
		console->fill -= (size_t)n;
	}
	ev_io_stop(console->loop->ev, &console->writable);
}

/* After bytes have gone out: whoever was refused may try again. */
static void make_room(struct console *console)
{
	if (console->fill == CONSOLE_BUFFER)
		return;
	ev_timer_stop(console->loop->ev, &console->patience);
	if (console->discarding) {
		console->discarding = false;
		log_limited(&console->log, LOG_LEVEL_WARN,
			    "console: %llu bytes were lost, nobody read them",
			    (unsigned long long)console->lost);
		console->lost = 0;
	}
	if (console->refused) {
		console->refused = false;
		console->client->output_room(console->client_arg);
	}
}

static void flush_cb(struct ev_loop *ev, ev_prepare *w, int revents)
{
	struct console *console = container_of(w, struct console, flush);

	UNUSED(revents);
	ev_prepare_stop(ev, w);
	flush(console);
	make_room(console);
}

static void writable_cb(struct ev_loop *ev, ev_io *w, int revents)
{
	struct console *console = container_of(w, struct console, writable);

	UNUSED(ev);
	UNUSED(revents);
	flush(console);
	make_room(console);
}

static void patience_cb(struct ev_loop *ev, ev_timer *w, int revents)
{
	struct console *console = container_of(w, struct console, patience);

	UNUSED(ev);
	UNUSED(revents);
	console->discarding = true;
	console->refused = false;
	console->client->output_room(console->client_arg);
}

bool console_put(struct console *console, unsigned char byte)
{
	if (console->out_fd < 0)
		return true;
	if (console->fill == CONSOLE_BUFFER && console->discarding) {
		console->lost++;
		return true;
	}
	if (console->fill == CONSOLE_BUFFER) {
		console->refused = true;
		if (!ev_is_active(&console->patience)) {
			ev_timer_set(&console->patience, PATIENCE_S, 0.);
			ev_timer_start(console->loop->ev, &console->patience);
		}
		return false;
	}
	console->buffer[(console->head + console->fill) % CONSOLE_BUFFER] =
		byte;
	console->fill++;
	if (!ev_is_active(&console->writable))
		ev_prepare_start(console->loop->ev, &console->flush);
	return true;
}

/* Takes Ctrl-A sequences out of @bytes; returns what is left of them. */
static size_t take_escapes(struct console *console, unsigned char *bytes,
			   size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (!console->escape && bytes[i] == KEY_ESCAPE) {
			console->escape = true;
			continue;
		}
		if (console->escape && (bytes[i] == 'x' || bytes[i] == 'X'))
			console->client->quit(console->client_arg);
		else
			bytes[kept++] = bytes[i];
		console->escape = false;
	}
	return kept;
}

static void readable_cb(struct ev_loop *ev, ev_io *w, int revents)
{
	struct console *console = container_of(w, struct console, readable);
	size_t room = console->client->input_room(console->client_arg);
	unsigned char bytes[INPUT_CHUNK];
	ssize_t n;

	UNUSED(revents);
	if (!room) {
		ev_io_stop(ev, w); /* until console_input_room() */
		return;
	}
	n = read(console->in_fd, bytes, MIN(room, sizeof(bytes)));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* Others have its foreground now (SIGTTIN is blocked). */
	if (n < 0 && errno == EIO && console->is_terminal) {
		ev_io_stop(ev, w);
		ev_timer_again(ev, &console->pause);
		return;
	}
	if (n <= 0) { /* the end of input, for good */
		ev_io_stop(ev, w);
		close_fd(&console->in_fd);
		return;
	}
	if (console->is_terminal)
		n = (ssize_t)take_escapes(console, bytes, (size_t)n);
	if (n)
		console->client->input(console->client_arg, bytes, (size_t)n);
}

static void pause_cb(struct ev_loop *ev, ev_timer *w, int revents)
{
	struct console *console = container_of(w, struct console, pause);

	UNUSED(revents);
	ev_timer_stop(ev, w);
	console_input_room(console);
}

void console_input_room(struct console *console)
{
	if (console->in_fd >= 0 && !ev_is_active(&console->readable) &&
	    !ev_is_active(&console->pause))
		ev_io_start(console->loop->ev, &console->readable);
}

static void init_watchers(struct console *console)
{
	ev_io_init(&console->writable, writable_cb, console->out_fd, EV_WRITE);
	ev_prepare_init(&console->flush, flush_cb);
	ev_timer_init(&console->patience, patience_cb, PATIENCE_S, 0.);
	ev_init(&console->pause, pause_cb);
	console->pause.repeat = INPUT_PAUSE_S;
	ev_io_init(&console->readable, readable_cb, console->in_fd, EV_READ);
}

int console_init(struct console *console, struct loop *loop,
		 const struct kvm_vm_config *config,
		 const struct console_client *client, void *client_arg)
{
	memset(console, 0, sizeof(*console));
	console->loop = loop;
	console->client = client;
	console->client_arg = client_arg;
	console->out_fd = config->files.console_out;
	console->in_fd = config->files.console_in;
	console->is_terminal = config->console_is_terminal;
	console->buffer = malloc(CONSOLE_BUFFER);
	if (!console->buffer)
		return -ENOMEM;
	init_watchers(console);
	return 0;
}

void console_start(struct console *console)
{
	console_input_room(console);
}

static void final_flush(struct console *console)
{
	struct pollfd out = {.fd = console->out_fd, .events = POLLOUT};

	flush(console);
	while (console->fill && poll(&out, 1, FINAL_FLUSH_MS) > 0)
		flush(console);
}

void console_fini(struct console *console)
{
	if (console->buffer) {
		if (console->out_fd >= 0)
			final_flush(console);
		ev_io_stop(console->loop->ev, &console->writable);
		ev_io_stop(console->loop->ev, &console->readable);
		ev_prepare_stop(console->loop->ev, &console->flush);
		ev_timer_stop(console->loop->ev, &console->patience);
		ev_timer_stop(console->loop->ev, &console->pause);
		free(console->buffer);
		console->buffer = NULL;
	}
	close_fd(&console->out_fd);
	close_fd(&console->in_fd);
}
