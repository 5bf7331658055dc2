/* SPDX-License-Identifier: MIT */
/*
 * Console input and output that never block the loop.
 *
 * O_NONBLOCK belongs to the open file, which we share with whoever started us.
 * So a terminal or a pipe is opened once more through /proc/self/fd; where that
 * is not possible (a socket, no /proc, no right) the flag is set on the shared
 * file and taken back at the end. Regular files do not block and stay shared,
 * with their file position.
 */
#include "kvm/console.h"

#include "kvm/error.h"
#include "kvm/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATIENCE_S	 1.0
#define FINAL_FLUSH_MS	 1000
#define KEY_ESCAPE	 0x01 /* Ctrl-A */
#define INPUT_CHUNK	 64
#define FILE_PERMISSIONS 0600

static int share_nonblocking(struct console_fd *file, int fd)
{
	int flags = fcntl(fd, F_GETFL);

	file->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (flags < 0 || file->fd < 0)
		return -errno;
	if (flags & O_NONBLOCK)
		return 0;
	if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	file->restore_fd = fd;
	file->restore_flags = flags;
	return 0;
}

/* Opens what @fd refers to without blocking; @access: O_RDONLY, O_WRONLY. */
static int open_nonblocking(struct console_fd *file, int fd, int access)
{
	char path[32];
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISREG(st.st_mode)) {
		file->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		return file->fd < 0 ? -errno : 0;
	}
	if (S_ISSOCK(st.st_mode))
		return share_nonblocking(file, fd);
	if (!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode))
		return -EBADF; /* it was closed, and is something of ours */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	file->fd = open(path, access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return file->fd >= 0 ? 0 : share_nonblocking(file, fd);
}

static void console_fd_close(struct console_fd *file)
{
	if (file->restore_fd >= 0)
		(void)fcntl(file->restore_fd, F_SETFL, file->restore_flags);
	file->restore_fd = -1;
	close_fd(&file->fd);
}

/* The reader has gone, or the disk is full: the guest goes on without. */
static void give_up_output(struct console *console, int err)
{
	char cause[ERRNO_TEXT_MAX];

	log_warn("console: the guest's output is discarded from now on: %s",
		 errno_text(err, cause, sizeof(cause)));
	ev_io_stop(console->loop->ev, &console->writable);
	console_fd_close(&console->out);
	console->fill = 0;
}

static void flush(struct console *console)
{
	while (console->fill) {
		size_t run = MIN(console->fill, CONSOLE_BUFFER - console->head);
		ssize_t n = write(console->out.fd,
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
	if (console->out.fd < 0)
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
	n = read(console->in.fd, bytes, MIN(room, sizeof(bytes)));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) { /* the end of input, for good */
		ev_io_stop(ev, w);
		console_fd_close(&console->in);
		return;
	}
	if (console->is_terminal)
		n = (ssize_t)take_escapes(console, bytes, (size_t)n);
	if (n)
		console->client->input(console->client_arg, bytes, (size_t)n);
}

void console_input_room(struct console *console)
{
	if (console->in.fd >= 0 && !ev_is_active(&console->readable))
		ev_io_start(console->loop->ev, &console->readable);
}

static int open_file(struct console *console, const char *path,
		     struct kvm_error *error)
{
	console->out.fd = open(path,
			       O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK |
				       O_NOCTTY | O_CLOEXEC,
			       FILE_PERMISSIONS);
	if (console->out.fd < 0 && errno == ENXIO)
		return kvm_error_set(error, -ENXIO,
				     "serial output %s: nobody reads this "
				     "pipe; start its reader first",
				     path);
	if (console->out.fd < 0)
		return kvm_error_errno(error, -errno, "serial output %s", path);
	return 0;
}

/* A terminal is ours to read only while we are in its foreground. */
static void open_stdio(struct console *console)
{
	char cause[ERRNO_TEXT_MAX];
	bool is_terminal = isatty(STDIN_FILENO);
	int err = open_nonblocking(&console->out, STDOUT_FILENO, O_WRONLY);

	if (err < 0) {
		log_warn("console: standard output: %s; the guest's output is "
			 "discarded",
			 errno_text(-err, cause, sizeof(cause)));
		console_fd_close(&console->out);
	}
	if (is_terminal && tcgetpgrp(STDIN_FILENO) != getpgrp())
		return;
	err = open_nonblocking(&console->in, STDIN_FILENO, O_RDONLY);
	if (err < 0) {
		console_fd_close(&console->in);
		return;
	}
	console->is_terminal = is_terminal;
}

static void init_watchers(struct console *console)
{
	ev_io_init(&console->writable, writable_cb, console->out.fd, EV_WRITE);
	ev_prepare_init(&console->flush, flush_cb);
	ev_timer_init(&console->patience, patience_cb, PATIENCE_S, 0.);
	ev_io_init(&console->readable, readable_cb, console->in.fd, EV_READ);
}

int console_init(struct console *console, struct loop *loop,
		 const struct kvm_vm_config *config,
		 const struct console_client *client, void *client_arg,
		 struct kvm_error *error)
{
	int err = 0;

	memset(console, 0, sizeof(*console));
	console->loop = loop;
	console->client = client;
	console->client_arg = client_arg;
	console->out = (struct console_fd){-1, -1, 0};
	console->in = (struct console_fd){-1, -1, 0};
	if (config->serial == KVM_SERIAL_FILE)
		err = open_file(console, config->serial_path, error);
	else if (config->serial == KVM_SERIAL_STDIO)
		open_stdio(console);
	if (err < 0)
		return err;
	console->buffer = malloc(CONSOLE_BUFFER);
	if (!console->buffer) {
		console_fini(console);
		return kvm_error_errno(error, -ENOMEM, "console");
	}
	init_watchers(console);
	return 0;
}

void console_start(struct console *console)
{
	if (console->is_terminal && console->in.fd >= 0 &&
	    terminal_raw(console->in.fd) < 0)
		log_warn("console: the terminal cannot be set to raw mode");
	console_input_room(console);
}

static void final_flush(struct console *console)
{
	struct pollfd out = {.fd = console->out.fd, .events = POLLOUT};

	flush(console);
	while (console->fill && poll(&out, 1, FINAL_FLUSH_MS) > 0)
		flush(console);
}

void console_fini(struct console *console)
{
	if (console->buffer) {
		if (console->out.fd >= 0)
			final_flush(console);
		ev_io_stop(console->loop->ev, &console->writable);
		ev_io_stop(console->loop->ev, &console->readable);
		ev_prepare_stop(console->loop->ev, &console->flush);
		ev_timer_stop(console->loop->ev, &console->patience);
		free(console->buffer);
		console->buffer = NULL;
	}
	if (console->is_terminal)
		terminal_restore();
	console->is_terminal = false;
	console_fd_close(&console->out);
	console_fd_close(&console->in);
}
