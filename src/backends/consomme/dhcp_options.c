/* SPDX-License-Identifier: MIT */
/*
 * Options are a code, a length and a value; pad and end have the code only. They
 * are in the options field, and, if option 52 there says so, go on in the fields
 * "file" and then "sname" (RFC 2131, 4.1), each of which has an end of its own.
 */
#include "backends/consomme/dhcp_options.h"

#include "base/bytes.h"

#include <errno.h>
#include <string.h>

#define VALUE_MAX 255

struct field {
	size_t begin, end;
};

/* What an option is, where the walk stands. */
struct walk {
	const uint8_t *message;
	size_t at, end;
	uint8_t code, len;
	const uint8_t *value;
};

/* The fields in the order that options are read; how many. */
static size_t find_fields(const struct dhcp_options *o, struct field fields[3])
{
	size_t n = 0;

	fields[n++] = (struct field){DHCP_AT_OPTIONS, o->len};
	if (o->overload & 1)
		fields[n++] = (struct field){DHCP_AT_FILE, DHCP_AT_COOKIE};
	if (o->overload & 2)
		fields[n++] = (struct field){DHCP_AT_SNAME, DHCP_AT_FILE};
	return n;
}

static struct walk walk_begin(const struct dhcp_options *o,
			      const struct field *field)
{
	return (struct walk){
		.message = o->message, .at = field->begin, .end = field->end};
}

/* 1: an option; 0: there is none any more; -EINVAL. */
static int walk_next(struct walk *w)
{
	while (w->at < w->end && w->message[w->at] == DHCP_PAD)
		w->at++;
	if (w->at == w->end || w->message[w->at] == DHCP_END)
		return 0;
	if (w->end - w->at < 2)
		return -EINVAL;
	w->code = w->message[w->at];
	w->len = w->message[w->at + 1];
	w->value = w->message + w->at + 2;
	if (w->len > w->end - w->at - 2)
		return -EINVAL;
	w->at += 2 + (size_t)w->len;
	return 1;
}

static int check_fields(const struct dhcp_options *o)
{
	struct field fields[3];
	size_t n = find_fields(o, fields);
	int more;

	for (size_t i = 0; i < n; i++) {
		struct walk w = walk_begin(o, &fields[i]);

		do
			more = walk_next(&w);
		while (more > 0);
		if (more < 0)
			return more;
	}
	return 0;
}

int dhcp_options_open(struct dhcp_options *out, const uint8_t *message,
		      size_t len)
{
	uint8_t overload;
	ssize_t n;
	int err;

	*out = (struct dhcp_options){.message = message, .len = len};
	err = check_fields(out);
	if (err < 0)
		return err;
	n = dhcp_options_get(out, DHCP_OVERLOAD, &overload, 1);
	if (n == -ENOENT)
		return 0;
	if (n != 1 || overload < 1 || overload > 3)
		return -EINVAL;
	out->overload = overload;
	return check_fields(out);
}

ssize_t dhcp_options_get(const struct dhcp_options *options, uint8_t code,
			 uint8_t *buf, size_t size)
{
	struct field fields[3];
	size_t n = find_fields(options, fields);
	ssize_t total = -ENOENT;

	for (size_t i = 0; i < n; i++) {
		struct walk w = walk_begin(options, &fields[i]);

		while (walk_next(&w) > 0) {
			size_t at;

			if (w.code != code)
				continue;
			at = (size_t)MAX(total, 0);
			if (at < size)
				memcpy(buf + at, w.value,
				       MIN(size - at, (size_t)w.len));
			total = (ssize_t)(at + w.len);
		}
	}
	return total;
}

bool dhcp_options_have(const struct dhcp_options *options, uint8_t code,
		       uint8_t *buf, size_t size)
{
	return dhcp_options_get(options, code, buf, size) == (ssize_t)size;
}

void dhcp_put(struct dhcp_writer *writer, uint8_t code, const void *value,
	      size_t len)
{
	const uint8_t *from = value;
	size_t pieces = (len + VALUE_MAX - 1) / VALUE_MAX;

	if (len + 2 * pieces + 1 > writer->size - writer->len)
		return;
	while (len > 0) {
		size_t n = MIN(len, (size_t)VALUE_MAX);
		uint8_t *at = writer->bytes + writer->len;

		at[0] = code;
		at[1] = (uint8_t)n;
		memcpy(at + 2, from, n);
		writer->len += 2 + n;
		from += n;
		len -= n;
	}
}

void dhcp_put_u16(struct dhcp_writer *writer, uint8_t code, uint16_t value)
{
	uint8_t wire[2];

	store_be16(wire, value);
	dhcp_put(writer, code, wire, sizeof(wire));
}

void dhcp_put_u32(struct dhcp_writer *writer, uint8_t code, uint32_t value)
{
	uint8_t wire[4];

	store_be32(wire, value);
	dhcp_put(writer, code, wire, sizeof(wire));
}

void dhcp_put_end(struct dhcp_writer *writer)
{
	writer->bytes[writer->len++] = DHCP_END;
}
