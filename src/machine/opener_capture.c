/* SPDX-License-Identifier: MIT */
/*
 * Files of captures.
 *
 * The directories of the patterns are opened at start. A request names a path:
 * its directory is looked up among them as it is written, the rest is one name
 * (capture_files.c). So a link or a directory that is put in the way later leads
 * nowhere.
 *
 * A capture that rotates gets a channel of its own, on which the machine asks for
 * the next file: its writer's thread does that while the control loop has other
 * questions. The channel is good for the files of this capture and nothing else,
 * and ends with it.
 */
#include "machine/opener_server.h"

#include "backends/capture.h"
#include "machine/capture_files.h"
#include "machine/patterns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is behind the name of the oldest file: ".999". */
#define SUFFIX_MAX 4

static int open_directory(const char *pattern, struct opener_error *error)
{
	char path[OPENER_PATH_MAX], cause[ERRNO_TEXT_MAX];
	int len = (int)MAX(pattern_directory(pattern), 1);
	int fd, err;

	(void)snprintf(path, sizeof(path), "%.*s", len, pattern);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	err = -errno;
	(void)snprintf(error->text, sizeof(error->text),
		       "sandbox: captures: %.300s: %s: make the directory "
		       "first, or take its pattern out",
		       path, errno_text(-err, cause, sizeof(cause)));
	return err;
}

int opener_captures_init(struct opener_server *server,
			 struct opener_error *error)
{
	const struct config_strings *patterns =
		&server->config->sandbox.captures;

	for (size_t i = 0; i < patterns->n; i++) {
		int fd = open_directory(patterns->items[i], error);

		if (fd < 0)
			return fd;
		server->capture_dirs[server->n_capture_dirs++] = fd;
	}
	return 0;
}

void opener_captures_fini(struct opener_server *server)
{
	while (server->n_capture_dirs)
		close_fd(&server->capture_dirs[--server->n_capture_dirs]);
}

/* The directory of @path, or -EACCES: no pattern allows it. */
static int find_directory(const struct opener_server *server, const char *path)
{
	const struct config_strings *patterns =
		&server->config->sandbox.captures;

	for (size_t i = 0; i < server->n_capture_dirs; i++) {
		if (pattern_allows(patterns->items[i], path))
			return server->capture_dirs[i];
	}
	return -EACCES;
}

static const char *cure(int err)
{
	switch (err) {
	case -ELOOP:
		return "a symbolic link is not followed; name a file";
	case -ENOTSUP:
		return "not a regular file; open it and pass it with \"getfd\" "
		       "and \"fd\"";
	case -EISDIR:
		return "name a file in it";
	case -ENOENT:
		return "the directory is gone; make it, and start the machine "
		       "anew";
	case -ENOSPC:
	case -EDQUOT:
		return "make room";
	case -EMFILE:
	case -ENFILE:
		return "raise the limit of open files";
	default:
		return "name a file that the user of evnic may write";
	}
}

static void fail(struct opener_answer *answer, const char *path, int err)
{
	char cause[ERRNO_TEXT_MAX];

	opener_answer_fail(answer, err, "%.200s: %s: %s", path,
			   errno_text(-err, cause, sizeof(cause)), cure(err));
}

static void serve_rotator(struct opener_server *server,
			  const struct opener_request *request,
			  struct opener_answer *answer)
{
	const struct capture_files *files = server->serving->arg;
	int fd;

	if (request->kind != OPENER_ASK_CAPTURE) {
		opener_answer_fail(answer, -EINVAL,
				   "a capture asks for its next file only");
		return;
	}
	fd = capture_files_rotate(files);
	if (fd < 0)
		fail(answer, files->name, fd);
	else
		opener_answer_fd(answer, fd);
}

static void end_rotator(struct opener_channel *channel)
{
	free(channel->arg);
}

/* The machine's end of a new channel, or -errno. */
static int add_rotator(struct opener_server *server,
		       const struct capture_files *files)
{
	struct opener_channel channel = {
		.serve = serve_rotator,
		.closed = end_rotator,
		.arg = malloc(sizeof(*files)),
	};
	int fd;

	if (!channel.arg)
		return -ENOMEM;
	memcpy(channel.arg, files, sizeof(*files));
	fd = opener_server_add(server, &channel);
	if (fd < 0)
		free(channel.arg);
	return fd;
}

static void open_capture(struct opener_server *server,
			 const struct capture_files *files, const char *path,
			 struct opener_answer *answer)
{
	int fd = capture_files_open(files);
	int rotator;

	if (fd < 0) {
		fail(answer, path, fd);
		return;
	}
	opener_answer_fd(answer, fd);
	if (!files->n)
		return;
	rotator = add_rotator(server, files);
	if (rotator < 0)
		fail(answer, path, rotator);
	else
		opener_answer_fd(answer, rotator);
}

void opener_serve_capture(struct opener_server *server,
			  const struct opener_request *request,
			  struct opener_answer *answer)
{
	struct opener_capture_request ask = request->u.capture;
	struct capture_files files = {.n = ask.files};
	const char *name;

	if (!memchr(ask.path, '\0', sizeof(ask.path))) {
		opener_answer_fail(answer, -EINVAL, "a path without an end");
		return;
	}
	files.dir = find_directory(server, ask.path);
	if (files.dir < 0) {
		opener_answer_fail(
			answer, -EACCES,
			"%.200s: not a file that this machine may write: start "
			"it with a pattern for the path in \"sandbox\": "
			"{\"captures\": [...]}, or let \"evnic ctl capture "
			"start\" open the file, or pass it with \"getfd\" and "
			"\"fd\"",
			ask.path);
		return;
	}
	name = pattern_name(ask.path);
	if (ask.files > CAPTURE_FILES_MAX ||
	    (ask.files && strlen(name) + SUFFIX_MAX > NAME_MAX)) {
		fail(answer, ask.path,
		     ask.files > CAPTURE_FILES_MAX ? -EINVAL : -ENAMETOOLONG);
		return;
	}
	(void)snprintf(files.name, sizeof(files.name), "%s", name);
	open_capture(server, &files, ask.path, answer);
}
