/* SPDX-License-Identifier: MIT */
/*
 * Starting a program and listening to it. posix_spawn does not copy this
 * process, so that its size does not show in the time.
 */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static int child_fail(const char *what, int err)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(err));
	return -err;
}

uint64_t bench_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

int child_start(struct child *child, char *const argv[])
{
	posix_spawn_file_actions_t actions;
	int fds[2];
	int err;

	*child = (struct child){.err = -1, .pid = -1, .out = -1};
	if (pipe2(fds, O_CLOEXEC) < 0)
		return child_fail("pipe", errno);
	child->err = memfd_create("stderr", MFD_CLOEXEC);
	if (child->err < 0) {
		close(fds[0]);
		close(fds[1]);
		return child_fail("memfd_create", errno);
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
					 O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, child->err, STDERR_FILENO);
	child->started_ns = bench_now_ns();
	err = posix_spawn(&child->pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	if (err) {
		close(fds[0]);
		close(child->err);
		child->pid = -1;
		return child_fail(argv[0], err);
	}
	child->out = fds[0];
	return 0;
}

static int child_read_byte(struct child *child, char *byte)
{
	ssize_t n;

	do {
		n = read(child->out, byte, 1);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return child_fail("reading the output", errno);
	if (n == 0)
		return child_fail("the output ended early", ENODATA);
	return 0;
}

int child_first_byte(struct child *child, uint64_t *at_ns)
{
	char byte;
	int err = child_read_byte(child, &byte);

	*at_ns = bench_now_ns();
	return err;
}

int child_read_line(struct child *child, const char *prefix, char *line,
		    size_t size)
{
	size_t len = 0;
	char byte;
	int err;

	for (;;) {
		err = child_read_byte(child, &byte);
		if (err)
			return err;
		if (byte == '\r')
			continue;
		if (byte != '\n') {
			if (len + 1 < size)
				line[len++] = byte;
			continue;
		}
		line[len] = '\0';
		if (strncmp(line, prefix, strlen(prefix)) == 0)
			return 0;
		if (strncmp(line, "FAIL", 4) == 0) {
			fprintf(stderr, "bench: the payload says: %s\n", line);
			return -EPROTO;
		}
		len = 0;
	}
}

static void child_show_errors(const struct child *child)
{
	char text[512];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(child->err, text, sizeof(text), at)) > 0) {
		fprintf(stderr, "%.*s", (int)n, text);
		at += n;
	}
}

static int child_wait(struct child *child)
{
	int status = 0;
	int err = 0;

	close(child->out);
	child->out = -1;
	while (waitpid(child->pid, &status, 0) < 0) {
		if (errno != EINTR) {
			err = -errno;
			break;
		}
	}
	child->pid = -1;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		err = -ECHILD;
	if (err)
		child_show_errors(child);
	close(child->err);
	child->err = -1;
	return err;
}

int child_finish(struct child *child)
{
	char rest[256];
	int err;

	while (read(child->out, rest, sizeof(rest)) > 0)
		;
	err = child_wait(child);
	if (err)
		return child_fail("the program under measurement", -err);
	return 0;
}

void child_stop(struct child *child)
{
	if (child->pid < 0)
		return;
	kill(child->pid, SIGTERM);
	(void)child_wait(child);
}

pid_t child_machine(const struct child *child)
{
	char path[64];
	char line[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children",
		 (int)child->pid, (int)child->pid);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	(void)fclose(file);
	return *line ? (pid_t)strtol(line, NULL, 10) : -ESRCH;
}

long process_status_kib(pid_t pid, const char *name)
{
	size_t len = strlen(name);
	char path[64];
	char line[256];
	long kib = -ENOENT;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, name, len) == 0 && line[len] == ':')
			kib = strtol(line + len + 1, NULL, 10);
	}
	(void)fclose(file);
	return kib;
}

long child_status_kib(const struct child *child, const char *name)
{
	pid_t machine = child_machine(child);
	long own = process_status_kib(child->pid, name);
	long kib = machine < 0 ? machine : process_status_kib(machine, name);

	return own < 0 ? own : kib < 0 ? kib : own + kib;
}

int child_description(const char *payload, const char *args,
		      unsigned int busy_poll_us, char *path, size_t size)
{
	int fd = memfd_create("machine.json", MFD_CLOEXEC);

	if (fd < 0)
		return child_fail("memfd_create", errno);
	dprintf(fd,
		"{\n"
		"  \"boot-source\": { \"kernel_image_path\": \"%s\",\n"
		"    \"boot_args\": \"%s\" },\n"
		"  \"machine-config\": { \"vcpu_count\": 1,"
		" \"mem_size_mib\": 128 },\n"
		"  \"backends\": [ { \"id\": \"n0\", \"type\": \"null\" } ],\n"
		"  \"network-interfaces\": [ { \"iface_id\": \"eth0\",\n"
		"    \"backend\": \"n0\", \"busy_poll_us\": %u,\n"
		"    \"guest_mac\": \"06:00:ac:10:00:02\" } ]\n"
		"}\n",
		payload, args, busy_poll_us);
	snprintf(path, size, "/proc/%d/fd/%d", (int)getpid(), fd);
	return fd;
}
