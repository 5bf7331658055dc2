/* SPDX-License-Identifier: MIT */
/*
 * A name server for what it is told (RFC 1035): answers questions for A and
 * AAAA from the names in its arguments, and says of every other name that there
 * is none. Over UDP, in the background.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "tool.h"

#define MESSAGE_MAX 512
#define HEADER_LEN  12
#define NAME_MAX    256

#define TYPE_A	  1
#define TYPE_AAAA 28

#define RCODE_NO_NAME 3

/* The question's name with dots, and where its type begins; 0: no question. */
static size_t question_read(const unsigned char *message, size_t len,
			    char name[NAME_MAX])
{
	size_t at = HEADER_LEN;
	size_t out = 0;

	while (at < len && message[at] != 0) {
		size_t label = message[at];

		if (label > 63 || at + label + 1 >= len ||
		    out + label + 1 >= NAME_MAX)
			return 0;
		memcpy(name + out, message + at + 1, label);
		out += label;
		name[out++] = '.';
		at += label + 1;
	}
	if (out == 0 || at + 5 > len)
		return 0;
	name[out - 1] = '\0';
	return at + 1;
}

/* Put an answer for the question's name behind the question. */
static size_t answer_put(unsigned char *to, unsigned int type, const void *data,
			 size_t len)
{
	const unsigned char record[] = {
		0xc0, HEADER_LEN, 0, (unsigned char)type, 0, 1, 0, 0,
		0,    60,	  0, (unsigned char)len};

	memcpy(to, record, sizeof(record));
	memcpy(to + sizeof(record), data, len);
	return sizeof(record) + len;
}

/* One argument NAME=ADDRESS: does it answer @name and @type? */
static size_t record_answer(const char *record, const char *name,
			    unsigned int type, unsigned char *to)
{
	size_t name_len = strcspn(record, "=");
	const char *text = record + name_len + 1;
	struct in6_addr v6;
	struct in_addr v4;

	if (strlen(name) != name_len ||
	    strncasecmp(record, name, name_len) != 0)
		return 0;
	if (type == TYPE_A && inet_pton(AF_INET, text, &v4) == 1)
		return answer_put(to, type, &v4, sizeof(v4));
	if (type == TYPE_AAAA && inet_pton(AF_INET6, text, &v6) == 1)
		return answer_put(to, type, &v6, sizeof(v6));
	return 0;
}

static bool name_known(char **records, const char *name)
{
	size_t len = strlen(name);

	for (; *records; records++) {
		if (strncasecmp(*records, name, len) == 0 &&
		    (*records)[len] == '=')
			return true;
	}
	return false;
}

/* Turn the question in @message into its answer. Returns its length, or 0. */
static size_t answer_make(unsigned char *message, size_t len, char **records)
{
	char name[NAME_MAX];
	size_t at = question_read(message, len, name);
	unsigned int type;

	if (at == 0 || (message[2] & 0x80) != 0)
		return 0;
	type = (unsigned int)message[at] << 8 | message[at + 1];
	at += 4;
	message[2] = (unsigned char)(0x80 | (message[2] & 1));
	message[3] = 0x80;
	memset(message + 6, 0, HEADER_LEN - 6);
	if (!name_known(records, name)) {
		message[3] |= RCODE_NO_NAME;
		return at;
	}
	for (; *records; records++) {
		size_t more = record_answer(*records, name, type, message + at);

		at += more;
		if (more > 0) {
			message[7] = 1;
			break;
		}
	}
	return at;
}

/* ADDRESS PORT NAME=ADDRESS...: serve in the background; prints the pid. */
int lab_dns(char **argv)
{
	unsigned char message[2 * MESSAGE_MAX];
	struct lab_addr addr;
	int sock = -1;

	if (lab_addr_parse(argv[0], argv[1], &addr))
		sock = lab_addr_server(&addr, SOCK_DGRAM);
	if (sock < 0)
		return lab_fail("dns");
	if (lab_background() != 0)
		return 1;
	for (;;) {
		struct lab_addr from = {.len = sizeof(from.storage)};
		ssize_t len = recvfrom(sock, message, MESSAGE_MAX, 0,
				       (void *)&from.storage, &from.len);
		size_t answer = 0;

		if (len > HEADER_LEN)
			answer = answer_make(message, (size_t)len, argv + 2);
		if (answer > 0)
			(void)sendto(sock, message, answer, 0,
				     (void *)&from.storage, from.len);
	}
}
