/* SPDX-License-Identifier: MIT */
/*
 * Log lines on their way out. What threads share are three atomics: the number
 * of lines that were lost, why, and whether the last one was cut by a disk that
 * ran full in its middle; then the next one begins with a newline.
 *
 * The file descriptor's number stays: another file is put behind it by dup3(2),
 * so that a thread that is about to write needs to know nothing.
 *
 * Source: open(2), pipe(7), systemd.exec(5) about $JOURNAL_STREAM.
 */
#include "base/log_output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_PERMISSIONS 0640

static int output_fd = STDERR_FILENO;
static enum log_shape shape = LOG_SHAPE_STDERR;

static atomic_uint_fast64_t lines_lost;
static atomic_int lost_why;
static atomic_bool last_was_cut;

int log_output_fd(void)
{
	return output_fd;
}

enum log_shape log_output_shape(void)
{
	return shape;
}

int log_output_open_file(const char *path)
{
	const int flags =
		O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	int fd = open(path, O_WRONLY | flags, FILE_PERMISSIONS);

	/* A pipe whose reader comes later, or comes again, is good too. */
	if (fd < 0 && errno == ENXIO)
		fd = open(path, O_RDWR | flags, FILE_PERMISSIONS);
	return fd < 0 ? -errno : fd;
}

/* $JOURNAL_STREAM is "DEVICE:INODE" of the socket that leads to the journal. */
static bool is_journal(const struct stat *st)
{
	const char *text = getenv("JOURNAL_STREAM");
	char *end;

	return text && strtoull(text, &end, 10) == st->st_dev && *end == ':' &&
	       strtoull(end + 1, &end, 10) == st->st_ino && *end == '\0';
}

/* Standard error, opened again if that makes it ours not to block: O_NONBLOCK
 * belongs to all who share an open file, and a terminal is shared with the shell.
 * The journal's socket is not; systemd makes one for each service. */
static int open_stderr(void)
{
	char path[32];
	struct stat st;
	int fd = -1, flags;

	shape = LOG_SHAPE_STDERR;
	if (fstat(STDERR_FILENO, &st) < 0)
		return STDERR_FILENO;
	if (is_journal(&st)) {
		shape = LOG_SHAPE_JOURNAL;
		flags = fcntl(STDERR_FILENO, F_GETFL);
		if (flags >= 0)
			(void)fcntl(STDERR_FILENO, F_SETFL, flags | O_NONBLOCK);
	} else if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)) {
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d",
			       STDERR_FILENO);
		fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	}
	return fd < 0 ? STDERR_FILENO : fd;
}

int log_output_open(const char *path)
{
	int fd = path ? log_output_open_file(path) : open_stderr();

	if (fd < 0)
		return fd;
	if (path)
		shape = LOG_SHAPE_FILE;
	if (output_fd != STDERR_FILENO)
		(void)close(output_fd);
	output_fd = fd;
	return 0;
}

int log_output_replace(int fd)
{
	int err = dup3(fd, output_fd, O_CLOEXEC) < 0 ? -errno : 0;

	(void)close(fd);
	return err;
}

uint64_t log_output_lost(int *err)
{
	*err = atomic_load_explicit(&lost_why, memory_order_relaxed);
	return atomic_exchange_explicit(&lines_lost, 0, memory_order_relaxed);
}

/* All of it, in one call unless the disk runs full. 0 or -errno. */
static int write_whole(const char *text, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = write(output_fd, text + done, len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	if (done == len)
		return 0;
	if (done > 0)
		atomic_store_explicit(&last_was_cut, true,
				      memory_order_relaxed);
	return -errno;
}

void log_output_write(const char *text, size_t len, uint64_t told)
{
	int err = 0;

	if (atomic_exchange_explicit(&last_was_cut, false,
				     memory_order_relaxed)) {
		err = write_whole("\n", 1);
		if (err < 0)
			atomic_store_explicit(&last_was_cut, true,
					      memory_order_relaxed);
	}
	if (err == 0)
		err = write_whole(text, len);
	if (err < 0) {
		atomic_store_explicit(&lost_why, -err, memory_order_relaxed);
		atomic_fetch_add_explicit(&lines_lost, told + 1,
					  memory_order_relaxed);
	}
}
