/* SPDX-License-Identifier: MIT */
/*
 * Reads pcapng files (IETF draft-ietf-opsawg-pcapng).
 */
#include "support/pcapng_reader.h"

#include "base/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct option {
	uint16_t code, len;
	const unsigned char *value;
};

/* The options of a block: from @at to @end. */
struct walk {
	const unsigned char *at, *end;
};

/* 1: an option, 0: the last one was empty and ends the block, -EPROTO. */
static int next_option(struct walk *w, struct option *o)
{
	size_t room;

	if (w->end - w->at < 4)
		return -EPROTO;
	o->code = load_le16(w->at);
	o->len = load_le16(w->at + 2);
	o->value = w->at + 4;
	room = (o->len + 3U) & ~3U;
	if (!o->code)
		return o->len || w->end - w->at != 4 ? -EPROTO : 0;
	if (room > (size_t)(w->end - o->value))
		return -EPROTO;
	for (size_t i = o->len; i < room; i++) {
		if (o->value[i])
			return -EPROTO;
	}
	w->at = o->value + room;
	return 1;
}

static uint64_t load_time(const unsigned char *p)
{
	return (uint64_t)load_le32(p) << 32 | load_le32(p + 4);
}

static int read_section(const unsigned char *body, const unsigned char *end)
{
	struct walk w = {body + 16, end};
	struct option o;
	int more;

	if (end - body < 16 || load_le32(body) != 0x1a2b3c4d ||
	    load_le16(body + 4) != 1 || load_le16(body + 6) != 0)
		return -EPROTO;
	while ((more = next_option(&w, &o)) > 0)
		continue;
	return more;
}

static int read_interface(struct pcapng_file *f, const unsigned char *body,
			  const unsigned char *end)
{
	struct walk w = {body + 8, end};
	struct option o;
	int more;

	if (f->resolution || end - body < 8 || load_le16(body) != 1)
		return -EPROTO;
	f->snaplen = load_le32(body + 4);
	while ((more = next_option(&w, &o)) > 0) {
		if (o.code == 2 && o.len < sizeof(f->name))
			memcpy(f->name, o.value, o.len);
		else if (o.code == 9 && o.len == 1)
			f->resolution = o.value[0];
		else
			return -EPROTO;
	}
	return more;
}

static int read_packet(struct pcapng_file *f, const unsigned char *body,
		       const unsigned char *end)
{
	struct pcapng_frame *frame;
	struct option o;
	struct walk w;
	int more;

	if (!f->resolution || end - body < 20 || load_le32(body))
		return -EPROTO;
	f->frames = realloc(f->frames, (f->n_frames + 1) * sizeof(*f->frames));
	if (!f->frames)
		return -ENOMEM;
	frame = &f->frames[f->n_frames++];
	*frame = (struct pcapng_frame){
		.ns = load_time(body + 4),
		.cap_len = load_le32(body + 12),
		.len = load_le32(body + 16),
		.bytes = body + 20,
	};
	if (frame->cap_len > frame->len ||
	    frame->cap_len > (size_t)(end - body - 20))
		return -EPROTO;
	w.at = frame->bytes + ((frame->cap_len + 3U) & ~3U);
	w.end = end;
	while ((more = next_option(&w, &o)) > 0) {
		if (o.code == 2 && o.len == 4)
			frame->direction = load_le32(o.value);
		else if (o.code == 6 && o.len == 4)
			frame->queue = load_le32(o.value);
		else
			return -EPROTO;
	}
	return more;
}

static int read_statistics(struct pcapng_file *f, const unsigned char *body,
			   const unsigned char *end)
{
	struct walk w = {body + 12, end};
	struct option o;
	int more;

	if (end - body < 12 || load_le32(body))
		return -EPROTO;
	f->n_stats++;
	while ((more = next_option(&w, &o)) > 0) {
		if (o.len != 8)
			return -EPROTO;
		if (o.code == 2)
			f->start_ns = load_time(o.value);
		else if (o.code == 3)
			f->end_ns = load_time(o.value);
		else if (o.code == 4)
			f->received = load_le64(o.value);
		else if (o.code == 5)
			f->dropped = load_le64(o.value);
		else
			return -EPROTO;
	}
	return more;
}

static int read_block(struct pcapng_file *f, const unsigned char *block,
		      size_t len)
{
	const unsigned char *body = block + 8, *end = block + len - 4;
	bool first = block == f->text;

	switch (load_le32(block)) {
	case 0x0a0d0d0a:
		return first ? read_section(body, end) : -EPROTO;
	case 1:
		return read_interface(f, body, end);
	case 5:
		return read_statistics(f, body, end);
	case 6:
		return read_packet(f, body, end);
	default:
		return -EPROTO;
	}
}

int pcapng_file_parse(struct pcapng_file *f, unsigned char *text, size_t size)
{
	*f = (struct pcapng_file){.text = text, .size = size};
	for (size_t at = 0, len; at < size; at += len) {
		int err;

		if (size - at < 12) {
			f->cut = true;
			return 0;
		}
		len = load_le32(text + at + 4);
		if (len < 12 || len % 4)
			return -EPROTO;
		if (len > size - at) {
			f->cut = true;
			return 0;
		}
		if (load_le32(text + at + len - 4) != len)
			return -EPROTO;
		err = read_block(f, text + at, len);
		if (err < 0)
			return err;
	}
	return 0;
}

int pcapng_file_read_fd(struct pcapng_file *f, int fd)
{
	unsigned char *text = NULL, *more;
	size_t size = 0, room = 0;
	ssize_t n;

	do {
		if (size == room) {
			room += 1U << 20;
			more = realloc(text, room);
			if (!more) {
				free(text);
				return -ENOMEM;
			}
			text = more;
		}
		n = read(fd, text + size, room - size);
		if (n < 0) {
			free(text);
			return -errno;
		}
		size += (size_t)n;
	} while (n);
	return pcapng_file_parse(f, text, size);
}

int pcapng_file_read(struct pcapng_file *f, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;

	*f = (struct pcapng_file){0};
	if (fd < 0)
		return -errno;
	err = pcapng_file_read_fd(f, fd);
	(void)close(fd);
	return err;
}

void pcapng_file_fini(struct pcapng_file *f)
{
	free(f->text);
	free(f->frames);
	*f = (struct pcapng_file){0};
}
