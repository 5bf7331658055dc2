/* SPDX-License-Identifier: MIT */
/*
 * Captures with "evnic ctl". To a file: it is opened here, as a shell would, and
 * passed to the machine, which may open next to nothing. One that rotates is the
 * machine's own, of a path that its description allows; that is made absolute
 * here, since the machine was started somewhere else. To standard output: the
 * connection itself carries the capture once the command is answered, and is
 * copied until either side ends.
 */
#include "machine/ctl_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int write_all(const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(STDOUT_FILENO, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

static int copy_to_stdout(struct ctl *ctl)
{
	char bytes[4096], cause[ERRNO_TEXT_MAX];
	ssize_t n;
	int err;

	while ((n = ctl_read_raw(&ctl->client, bytes, sizeof(bytes))) > 0) {
		err = write_all(bytes, (size_t)n);
		/* Whoever reads has seen enough. */
		if (err == -EPIPE)
			return CTL_DONE;
		if (err < 0) {
			(void)fprintf(stderr, "evnic: standard output: %s\n",
				      errno_text(-err, cause, sizeof(cause)));
			return CTL_FAILED;
		}
	}
	return n < 0 ? CTL_FAILED : CTL_DONE;
}

/* The path as it is named from anywhere, or NULL. To be freed. */
static char *absolute(const char *path)
{
	char *cwd, *whole = NULL;

	if (*path == '/')
		return strdup(path);
	cwd = getcwd(NULL, 0);
	if (cwd && asprintf(&whole, "%s/%s", cwd, path) < 0)
		whole = NULL;
	free(cwd);
	return whole;
}

/* "0,2" into a list. False: it is none, and this was told. */
static bool add_queues(const struct ctl *ctl, cJSON *args)
{
	const char *text = ctl_option(ctl, "--queues");
	char *list = NULL;
	cJSON *value;

	if (!text)
		return true;
	if (asprintf(&list, "[%s]", text) < 0)
		return false;
	value = cJSON_Parse(list);
	free(list);
	if (!value) {
		(void)ctl_wrong(ctl, "no list of queue pairs:", text);
		return false;
	}
	if (!cJSON_AddItemToObject(args, "queues", value))
		cJSON_Delete(value);
	return true;
}

static bool add_options(const struct ctl *ctl, cJSON *args)
{
	return ctl_add_number(ctl, "--snaplen", args, "snaplen") &&
	       ctl_add_number(ctl, "--rotate-size", args, "rotate_size") &&
	       ctl_add_number(ctl, "--rotate-files", args, "rotate_files") &&
	       ctl_add_number(ctl, "--ring-size", args, "ring_size") &&
	       add_queues(ctl, args);
}

static int start_to_stdout(struct ctl *ctl, cJSON *args)
{
	cJSON *result;

	(void)cJSON_AddTrueToObject(args, "stream");
	result = ctl_call(&ctl->client, "capture-start", args, -1);
	if (!result)
		return CTL_FAILED;
	cJSON_Delete(result);
	return ctl_skip_line(&ctl->client) == 0 ? copy_to_stdout(ctl)
						: CTL_FAILED;
}

static const cJSON *capture_of(const cJSON *nic)
{
	return cJSON_GetObjectItemCaseSensitive(nic, "capture");
}

/* May the file for NIC @id be opened, which empties it? Not if there is a
 * capture, perhaps to that file: then this was told. */
static bool may_open(struct ctl *ctl, const char *id)
{
	cJSON *nics = ctl_call(&ctl->client, "query-nics", NULL, -1);
	bool found = false, active = false;
	const cJSON *nic;

	cJSON_ArrayForEach (nic, nics) {
		const char *name = ctl_string(nic, "id");

		if (!name || strcmp(name, id) != 0)
			continue;
		found = true;
		active = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(
			capture_of(nic), "active"));
	}
	if (active)
		(void)fprintf(stderr,
			      "evnic: %s: a capture is active; stop it first\n",
			      id);
	else if (nics && !found)
		(void)fprintf(stderr, "evnic: %s: there is no such NIC\n", id);
	cJSON_Delete(nics);
	return found && !active;
}

/* Opens @path and passes it on. False: it could not be, and this was told. */
static bool pass_file(struct ctl *ctl, const char *path, cJSON *args)
{
	char cause[ERRNO_TEXT_MAX];
	bool passed;
	int fd;

	if (!may_open(ctl, ctl_string(args, "id")))
		return false;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_CLOEXEC,
		  0600);
	if (fd < 0) {
		(void)fprintf(stderr, "evnic: %s: %s\n", path,
			      errno_text(errno, cause, sizeof(cause)));
		return false;
	}
	passed = ctl_pass_fd(ctl, fd, args);
	close_fd(&fd);
	return passed;
}

static int start_to_file(struct ctl *ctl, cJSON *args)
{
	const char *file = ctl_word(ctl, 1);
	char *path = absolute(file);

	if (!path) {
		cJSON_Delete(args);
		(void)fprintf(stderr, "evnic: out of memory\n");
		return CTL_FAILED;
	}
	(void)cJSON_AddStringToObject(args, "path", path);
	free(path);
	if (!ctl_option(ctl, "--rotate-size") && !pass_file(ctl, file, args)) {
		cJSON_Delete(args);
		return CTL_FAILED;
	}
	return ctl_do(ctl, "capture-start", args, -1);
}

/* The machine's only NIC, for who names none, into @args. False: there is not
 * exactly one, and this was told. */
static bool add_only_nic(struct ctl *ctl, cJSON *args)
{
	cJSON *nics = ctl_call(&ctl->client, "query-nics", NULL, -1);
	int n = cJSON_GetArraySize(nics);

	if (n == 1)
		(void)cJSON_AddStringToObject(
			args, "id",
			ctl_string(cJSON_GetArrayItem(nics, 0), "id"));
	else if (nics)
		(void)fprintf(stderr,
			      "evnic: the machine has %d NICs: say which one "
			      "to capture\n",
			      n);
	cJSON_Delete(nics);
	return n == 1;
}

int ctl_run_capture_start(struct ctl *ctl)
{
	bool to_stdout = ctl_option(ctl, "--stdout") != NULL;
	cJSON *args;

	if (to_stdout == (ctl->n_words > 1))
		return ctl_wrong(ctl, "one of FILE and --stdout is wanted",
				 NULL);
	if (to_stdout && isatty(STDOUT_FILENO)) {
		(void)fprintf(stderr,
			      "evnic: standard output is a terminal: pipe it "
			      "into a program that reads pcapng, or name a "
			      "file\n");
		return CTL_WRONG;
	}
	args = cJSON_CreateObject();
	if (ctl->n_words)
		(void)cJSON_AddStringToObject(args, "id", ctl_word(ctl, 0));
	if (!add_options(ctl, args)) {
		cJSON_Delete(args);
		return CTL_WRONG;
	}
	if (!ctl->n_words && !add_only_nic(ctl, args)) {
		cJSON_Delete(args);
		return CTL_FAILED;
	}
	return to_stdout ? start_to_stdout(ctl, args)
			 : start_to_file(ctl, args);
}

static void add_capture(struct ctl_table *table, const char *name,
			const cJSON *capture)
{
	const char *path = ctl_string(capture, "path");
	bool active = cJSON_IsTrue(
		cJSON_GetObjectItemCaseSensitive(capture, "active"));

	ctl_table_add(table, "%s", name);
	ctl_table_add(table, "%s", active ? "yes" : "no");
	ctl_table_add(table, "%.0f", ctl_number(capture, "packets"));
	ctl_table_add(table, "%.0f", ctl_number(capture, "bytes"));
	ctl_table_add(table, "%.0f", ctl_number(capture, "drops"));
	ctl_table_add(table, "%.0f", ctl_number(capture, "written"));
	ctl_table_add(table, "%s", path ? path : "-");
}

static void begin_table(struct ctl_table *table)
{
	static const char *const headings[] = {"NIC",	"ACTIVE",  "FRAMES",
					       "BYTES", "DROPPED", "WRITTEN",
					       "FILE"};

	ctl_table_init(table, ARRAY_SIZE(headings));
	for (size_t i = 0; i < ARRAY_SIZE(headings); i++)
		ctl_table_add(table, "%s", headings[i]);
}

int ctl_run_capture(struct ctl *ctl)
{
	cJSON *result = ctl_call(&ctl->client, "query-nics", NULL, -1);
	struct ctl_table table;
	const cJSON *nic;

	if (!result)
		return CTL_FAILED;
	if (ctl->json)
		return ctl_print_json(result);
	begin_table(&table);
	cJSON_ArrayForEach (nic, result) {
		const char *name = ctl_string(nic, "id");

		if (name && capture_of(nic))
			add_capture(&table, name, capture_of(nic));
	}
	ctl_table_print(&table, 0, "\n");
	cJSON_Delete(result);
	return CTL_DONE;
}

int ctl_run_capture_stop(struct ctl *ctl)
{
	cJSON *args = cJSON_CreateObject(), *result;
	struct ctl_table table;

	(void)cJSON_AddStringToObject(args, "id", ctl_word(ctl, 0));
	result = ctl_call(&ctl->client, "capture-stop", args, -1);
	if (!result)
		return CTL_FAILED;
	if (ctl->json)
		return ctl_print_json(result);
	begin_table(&table);
	add_capture(&table, ctl_word(ctl, 0), result);
	ctl_table_print(&table, 0, "\n");
	cJSON_Delete(result);
	return CTL_DONE;
}
