/* SPDX-License-Identifier: MIT */
/*
 * Patterns for names.
 *
 * A match goes back to the last '*' only: what an earlier one took more or less
 * of would not help. So it takes at most pattern times name.
 */
#include "machine/patterns.h"

#include <limits.h>
#include <string.h>

/* Not in the name of an interface. */
#define NOT_IN_IFNAME "/:% \t\n"

bool pattern_matches(const char *pattern, const char *name)
{
	const char *star = NULL, *tried = NULL;

	while (*name) {
		if (*pattern == '*') {
			star = ++pattern;
			tried = name;
		} else if (*pattern == '?' || *pattern == *name) {
			pattern++;
			name++;
		} else if (star) {
			pattern = star;
			name = ++tried;
		} else {
			return false;
		}
	}
	return pattern[strspn(pattern, "*")] == '\0';
}

size_t pattern_directory(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) : 0;
}

const char *pattern_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Is there an empty component, "." or ".." in an absolute path? */
static bool has_odd_component(const char *path)
{
	while (*path) {
		size_t len = strcspn(++path, "/");

		if (len == 0 || (len <= 2 && strncmp(path, "..", len) == 0))
			return true;
		path += len;
	}
	return false;
}

const char *pattern_tap_problem(const char *pattern)
{
	if (strpbrk(pattern, NOT_IN_IFNAME))
		return "no interface can have such a name: must be without "
		       "space, '/', ':' and '%'";
	return NULL;
}

const char *pattern_capture_problem(const char *pattern)
{
	if (*pattern != '/')
		return "must begin with '/': an absolute directory, and a "
		       "pattern for names";
	if (has_odd_component(pattern))
		return "must be without \".\", \"..\" and empty parts, and end "
		       "with a pattern for names";
	if (strcspn(pattern, "*?") < pattern_directory(pattern))
		return "'*' and '?' must be in the name only, not in the "
		       "directory";
	return NULL;
}

static bool is_file_name(const char *name)
{
	if (!*name || strlen(name) > NAME_MAX || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		return false;
	for (; *name; name++) {
		if ((unsigned char)*name < ' ' || *name == 0x7f)
			return false;
	}
	return true;
}

bool pattern_allows(const char *pattern, const char *path)
{
	size_t len = pattern_directory(pattern);

	return *path == '/' && pattern_directory(path) == len &&
	       memcmp(pattern, path, len) == 0 &&
	       is_file_name(pattern_name(path)) &&
	       pattern_matches(pattern_name(pattern), pattern_name(path));
}
