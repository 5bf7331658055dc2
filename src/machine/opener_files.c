/* SPDX-License-Identifier: MIT */
/*
 * Things that the description names: the opener opens them without being told
 * how they are called. Each is given out once, but for those that are opened
 * anew on the way; a socket's name stays with the opener, which removes it in
 * the end.
 *
 * The terminal is the opener's alone: the machine reads keys from it, but how it
 * behaves is set and put back here.
 */
#include "machine/opener_server.h"

#include "base/log.h"
#include "base/log_output.h"
#include "kvm/host.h"
#include "kvm/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* The file descriptor, or -errno after opener_answer_fail(). */
typedef int (*open_fn)(struct opener_server *server,
		       struct opener_answer *answer);

static int told(struct opener_answer *answer, int fd,
		const struct kvm_error *error)
{
	if (fd < 0)
		opener_answer_fail(answer, fd, "%s", error->text);
	return fd;
}

static int open_kvm(struct opener_server *server, struct opener_answer *answer)
{
	struct kvm_error error;

	UNUSED(server);
	return told(answer, host_open(&error), &error);
}

static int open_image(struct opener_answer *answer, const char *what,
		      const char *path)
{
	struct kvm_error error;

	return told(answer, kvm_open_image(what, path, &error), &error);
}

static int open_kernel(struct opener_server *server,
		       struct opener_answer *answer)
{
	return open_image(answer, "kernel",
			  server->config->boot.kernel_image_path);
}

static int open_initrd(struct opener_server *server,
		       struct opener_answer *answer)
{
	return open_image(answer, "initrd", server->config->boot.initrd_path);
}

static int open_serial(struct opener_server *server,
		       struct opener_answer *answer)
{
	struct kvm_error error;

	return told(answer,
		    kvm_open_serial(server->config->serial.path, &error),
		    &error);
}

static int open_console_in(struct opener_server *server,
			   struct opener_answer *answer)
{
	struct kvm_error error;
	int fd = console_file_open(&server->console_in, STDIN_FILENO, &error);

	server->terminal = fd >= 0 && isatty(STDIN_FILENO);
	if (server->terminal)
		answer->flags |= OPENER_IS_TERMINAL;
	return told(answer, fd, &error);
}

static int open_console_out(struct opener_server *server,
			    struct opener_answer *answer)
{
	struct kvm_error error;

	return told(
		answer,
		console_file_open(&server->console_out, STDOUT_FILENO, &error),
		&error);
}

struct listen_attempt {
	struct unix_listener *listener;
	const char *path;
	struct opener_error error;
};

static int listen_once(void *arg)
{
	struct listen_attempt *attempt = arg;

	return unix_listen(attempt->listener, attempt->path,
			   attempt->error.text, sizeof(attempt->error.text));
}

static int listen_at(struct opener_answer *answer,
		     struct unix_listener *listener, const char *path)
{
	struct listen_attempt attempt = {.listener = listener, .path = path};
	int err = opener_retry(listen_once, &attempt);
	int fd = listener->fd;

	if (err < 0) {
		opener_answer_fail(answer, err, "%s", attempt.error.text);
		return err;
	}
	listener->fd = -1; /* only the machine listens */
	return fd;
}

static int open_control(struct opener_server *server,
			struct opener_answer *answer)
{
	return listen_at(answer, &server->control,
			 server->config->control_socket);
}

static int open_metrics(struct opener_server *server,
			struct opener_answer *answer)
{
	return listen_at(answer, &server->metrics,
			 server->config->metrics_socket);
}

/* The file that the opener writes to itself, which has opened it anew by now:
 * launch.c. */
static int open_log(struct opener_server *server, struct opener_answer *answer)
{
	int fd = fcntl(log_output_fd(), F_DUPFD_CLOEXEC, 0);

	UNUSED(server);
	if (fd >= 0)
		return fd;
	opener_answer_fail(answer, -errno, "the log");
	return -errno;
}

static const struct thing {
	open_fn open;
	bool again; /* may be asked for any number of times */
} things[OPENER_THINGS] = {
	[OPENER_KVM] = {.open = open_kvm},
	[OPENER_KERNEL] = {.open = open_kernel},
	[OPENER_INITRD] = {.open = open_initrd},
	[OPENER_SERIAL] = {.open = open_serial},
	[OPENER_CONSOLE_IN] = {.open = open_console_in},
	[OPENER_CONSOLE_OUT] = {.open = open_console_out},
	[OPENER_CONTROL] = {.open = open_control},
	[OPENER_METRICS] = {.open = open_metrics},
	[OPENER_LOG] = {.open = open_log, .again = true},
};

/* Does the description name it? */
static bool is_named(const struct machine_config *c, enum opener_thing thing)
{
	switch (thing) {
	case OPENER_KVM:
	case OPENER_KERNEL:
		return true;
	case OPENER_INITRD:
		return c->boot.initrd_path != NULL;
	case OPENER_SERIAL:
		return c->serial.type == CONFIG_SERIAL_FILE;
	case OPENER_CONSOLE_IN:
	case OPENER_CONSOLE_OUT:
		return c->serial.type == CONFIG_SERIAL_STDIO;
	case OPENER_CONTROL:
		return c->control_socket != NULL;
	case OPENER_METRICS:
		return c->metrics_socket != NULL;
	case OPENER_LOG:
		return c->logger.log_path != NULL;
	case OPENER_THINGS:
		break;
	}
	return false;
}

void opener_serve_thing(struct opener_server *server,
			const struct opener_request *request,
			struct opener_answer *answer)
{
	uint32_t i = request->u.thing.thing;
	const struct thing *thing = i < OPENER_THINGS ? &things[i] : NULL;
	int fd;

	if (!thing || !thing->open ||
	    !is_named(server->config, (enum opener_thing)i)) {
		opener_answer_fail(answer, -EACCES,
				   "the description names no such thing");
		return;
	}
	if (server->given & 1U << i && !thing->again) {
		opener_answer_fail(answer, -EACCES,
				   "this was opened before, and is not again");
		return;
	}
	server->given |= 1U << i;
	fd = thing->open(server, answer);
	if (fd >= 0)
		opener_answer_fd(answer, fd);
}

void opener_serve_ready(struct opener_server *server,
			const struct opener_request *request,
			struct opener_answer *answer)
{
	UNUSED(request);
	UNUSED(answer);
	if (server->ready && !server->reloading)
		return;
	if (!server->ready && server->terminal &&
	    terminal_raw(STDIN_FILENO) < 0)
		log_warn("console: the terminal cannot be set to raw mode");
	server->ready = true;
	server->reloading = false;
	notify_ready(&server->notify);
}

void opener_files_fini(struct opener_server *server)
{
	terminal_restore();
	console_file_restore(&server->console_in);
	console_file_restore(&server->console_out);
	unix_listener_fini(&server->control);
	unix_listener_fini(&server->metrics);
}
