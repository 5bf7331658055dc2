/* SPDX-License-Identifier: MIT */
/*
 * resolv.conf(5), line by line: a keyword at the line's very beginning, then
 * words. "#" and ";" begin a comment.
 *
 * The default time-out is shorter than glibc's 5 s: that is how long the guest's
 * own resolver waits for us, and two servers should have had their chance by then.
 */
#include "backends/consomme/resolv_conf.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT	     2
#define TIMEOUT_MAX  30 /* as glibc has it */
#define ATTEMPTS     2
#define ATTEMPTS_MAX 5

#define BLANK	  " \t\r"
#define WORD_ENDS " \t\r\n#;"

/* A stretch of the text. */
struct word {
	const char *at;
	size_t len;
};

static bool word_is(const struct word *word, const char *text)
{
	return word->len == strlen(text) &&
	       memcmp(word->at, text, word->len) == 0;
}

/* The word at *@at, which is moved behind it; false: the line has no more. */
static bool next_word(const char **at, struct word *out)
{
	out->at = *at + strspn(*at, BLANK);
	out->len = strcspn(out->at, WORD_ENDS);
	*at = out->at + out->len;
	return out->len > 0;
}

static void add_server(struct csm_resolv_conf *conf, const struct word *word)
{
	char text[CSM_ADDR_TEXT_MAX];
	struct csm_addr addr;

	if (conf->n_servers == CONSOMME_SERVERS_MAX ||
	    word->len >= sizeof(text))
		return;
	memcpy(text, word->at, word->len);
	text[word->len] = '\0';
	text[strcspn(text, "%")] = '\0';
	if (csm_addr_parse(text, &addr) < 0 || csm_addr_is_multicast(&addr) ||
	    (!csm_addr_is4(&addr) && csm_addr_is_link_local(&addr)))
		return;
	conf->servers[conf->n_servers++] = addr;
}

/* The number behind @name in @word, brought into 1 to @max; or @old. */
static unsigned int option(const struct word *word, const char *name,
			   unsigned int max, unsigned int old)
{
	size_t n = strlen(name);
	unsigned long value;

	if (word->len <= n || memcmp(word->at, name, n) != 0 ||
	    strspn(word->at + n, "0123456789") != word->len - n)
		return old;
	value = strtoul(word->at + n, NULL, 10);
	return (unsigned int)MIN(MAX(value, 1ul), (unsigned long)max);
}

static void parse_line(const char *at, struct csm_resolv_conf *conf)
{
	struct word word = {.at = at, .len = strcspn(at, WORD_ENDS)};

	at += word.len;
	if (word_is(&word, "nameserver")) {
		if (next_word(&at, &word))
			add_server(conf, &word);
	} else if (word_is(&word, "options")) {
		while (next_word(&at, &word)) {
			conf->timeout = option(&word, "timeout:", TIMEOUT_MAX,
					       conf->timeout);
			conf->attempts =
				option(&word, "attempts:", ATTEMPTS_MAX,
				       conf->attempts);
		}
	}
}

void csm_resolv_conf_parse(const char *text, struct csm_resolv_conf *out)
{
	const char *line = text;

	*out = (struct csm_resolv_conf){
		.timeout = TIMEOUT,
		.attempts = ATTEMPTS,
	};
	for (;;) {
		size_t len = strcspn(line, "\n");

		parse_line(line, out);
		if (!line[len])
			break;
		line += len + 1;
	}
	if (!out->n_servers)
		out->servers[out->n_servers++] = csm_addr_from_u32(0x7f000001);
}
