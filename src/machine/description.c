/* SPDX-License-Identifier: MIT */
/*
 * Reading a machine description.
 *
 * A text is read in three steps: cJSON makes a tree of it (json_text.c says
 * where, if it will not), the reader makes the typed config of the tree
 * (reader.c), and rules that involve several keys come last (rules.c). Each step
 * adds what it finds wrong to one list of problems.
 */
#include "machine/description.h"

#include "machine/json_text.h"
#include "machine/keys.h"
#include "machine/reader.h"
#include "machine/rules.h"
#include "machine/where.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const cJSON *description_find(const struct description *desc,
			      const char *pointer)
{
	struct where at;
	const cJSON *node = where_follow(desc, pointer, &at);

	return node && !cJSON_IsNull(node) ? node : NULL;
}

void description_problem(struct description *desc, const char *pointer,
			 const char *fmt, ...)
{
	struct where at;
	char what[512];
	va_list ap;

	(void)where_follow(desc, pointer, &at);
	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	problems_add(&desc->problems, where_pos(desc, &at, false), pointer,
		     "%s", what);
}

static void fault_at(struct description *desc, size_t offset,
		     const char *reason)
{
	problems_add(&desc->problems,
		     json_text_pos(desc->text, desc->len, offset), "", "%s",
		     reason);
}

/* Reads @text by @keys into @base. False: it is not JSON. */
static bool parse(struct description *desc, const char *file, const char *text,
		  size_t len, const struct key_table *keys, void *base)
{
	const struct text_pos nowhere = {0};
	const char *end = NULL, *reason;
	size_t offset;

	memset(desc, 0, sizeof(*desc));
	desc->problems.file = file;
	desc->text = malloc(len + 1);
	if (!desc->text) {
		problems_add(&desc->problems, nowhere, "", "out of memory");
		return false;
	}
	if (len > 0)
		memcpy(desc->text, text, len);
	desc->text[len] = '\0';
	desc->len = len;

	if (strlen(desc->text) != len) {
		fault_at(desc, strlen(desc->text), "a zero byte: not JSON");
		return false;
	}
	desc->root = cJSON_ParseWithLengthOpts(desc->text, len + 1, &end, true);
	if (!desc->root) {
		offset = end ? (size_t)(end - desc->text) : 0;
		reason = json_text_fault(desc->text, len, &offset);
		fault_at(desc, offset, reason);
		return false;
	}
	reason = json_text_strict(desc->text, len, &offset);
	if (reason)
		fault_at(desc, offset, reason);
	reader_read(desc, keys, base);
	return true;
}

void description_parse(struct description *desc, const char *file,
		       const char *text, size_t len)
{
	if (parse(desc, file, text, len, &key_table_machine, &desc->config))
		rules_check(desc);
}

void description_read(struct description *desc, const struct key_table *keys,
		      const cJSON *object, void *base)
{
	char *text = cJSON_PrintUnformatted(object);

	memset(base, 0, keys->size);
	(void)parse(desc, "", text ? text : "", text ? strlen(text) : 0, keys,
		    base);
	cJSON_free(text);
}

/* Reads at most @max bytes of @path into *@out. Bytes read, or -errno. */
static ssize_t read_file(const char *path, size_t max, char **out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t n;
	char *buf;

	if (fd < 0)
		return -errno;
	buf = malloc(max);
	if (!buf) {
		close_fd(&fd);
		return -ENOMEM;
	}
	do {
		n = read(fd, buf + used, max - used);
		if (n > 0)
			used += (size_t)n;
	} while ((n > 0 && used < max) || (n < 0 && errno == EINTR));
	if (n < 0) {
		n = -errno;
		free(buf);
		close_fd(&fd);
		return n;
	}
	close_fd(&fd);
	*out = buf;
	return (ssize_t)used;
}

void description_load(struct description *desc, const char *path)
{
	const struct text_pos nowhere = {0};
	char cause[ERRNO_TEXT_MAX];
	char *text = NULL;
	ssize_t len;

	len = read_file(path, DESCRIPTION_MAX_BYTES + 1, &text);
	if (text && len <= DESCRIPTION_MAX_BYTES) {
		description_parse(desc, path, text, (size_t)len);
		free(text);
		if (desc->root)
			rules_check_host(desc);
		return;
	}
	memset(desc, 0, sizeof(*desc));
	desc->problems.file = path;
	if (len < 0)
		problems_add(&desc->problems, nowhere, "", "cannot be read: %s",
			     errno_text((int)-len, cause, sizeof(cause)));
	else
		problems_add(&desc->problems, nowhere, "",
			     "too large for a description: at most %d bytes",
			     DESCRIPTION_MAX_BYTES);
	free(text);
}

/* A list of strings, with the list before. */
struct description_list {
	struct description_list *next;
	const char *items[];
};

const char **description_strings(struct description *desc, size_t n)
{
	struct description_list *list =
		calloc(1, sizeof(*list) + n * sizeof(list->items[0]));

	if (!list)
		return NULL;
	list->next = desc->lists;
	desc->lists = list;
	return list->items;
}

void description_fini(struct description *desc)
{
	struct description_list *next;

	for (; desc->lists; desc->lists = next) {
		next = desc->lists->next;
		free(desc->lists);
	}
	cJSON_Delete(desc->root);
	desc->root = NULL;
	free(desc->text);
	desc->text = NULL;
	problems_fini(&desc->problems);
}
