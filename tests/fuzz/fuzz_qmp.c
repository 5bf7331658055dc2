/* SPDX-License-Identifier: MIT */
/*
 * The control protocol: bytes from a client. The first byte of each record says
 * what happens: bytes arrive (in pieces of any size), output is sent, a call that
 * waits is answered, a descriptor arrives, an event is told, the client leaves
 * and another one comes.
 *
 * Whatever the bytes are: output stays within its limit and is lines of JSON, the
 * client is answered in the end, and no descriptor is left open.
 */
#include "machine/qmp_session.h"
#include "support/qmp_toy.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct qmp_toy toy;
static struct qmp_service service;
static struct qmp_session session;
static bool cut; /* the output begins within a line */

static void wake_cb(struct qmp_session *s)
{
	(void)s;
}

/* Everything that waits is taken as sent. It is whole lines of JSON unless the
 * client is about to be dropped, or only a part is taken. */
static void take_output(size_t most)
{
	size_t len;
	const char *out = qmp_session_output(&session, &len);

	if (len > QMP_OUTPUT_MAX)
		abort();
	if (most >= len && !session.broken && !cut) {
		size_t at = 0;

		while (at < len) {
			const char *end = memchr(out + at, '\n', len - at);
			cJSON *line;

			if (!end)
				abort();
			line = cJSON_ParseWithLength(out + at,
						     (size_t)(end - out) - at);
			if (!cJSON_IsObject(line))
				abort();
			cJSON_Delete(line);
			at = (size_t)(end - out) + 1;
		}
	}
	qmp_session_sent(&session, MIN(most, len));
	cut = most < len;
}

static void begin(void)
{
	cut = false;
	qmp_session_init(&session, &service, wake_cb);
}

static void end(void)
{
	qmp_session_fini(&session);
	while (qmp_toy_release(&toy))
		continue;
}

/* Gives the client's bytes; what is not wanted yet is asked for again after
 * answers and output. */
static void arrive(const char *bytes, size_t n, size_t piece)
{
	size_t at = 0;

	while (at < n && !session.broken && !session.detached) {
		size_t want = MIN(piece, n - at);
		size_t taken = qmp_session_input(&session, bytes + at, want);

		if (taken > want)
			abort();
		at += taken;
		if (taken < want && qmp_session_wants_input(&session))
			abort();
		if (taken < want) {
			(void)qmp_toy_release(&toy);
			take_output(SIZE_MAX);
		}
	}
}

static void tell(void)
{
	size_t len = 0;
	char *text = qmp_event_text("TOLD", cJSON_CreateObject(), &len);

	if (text)
		qmp_session_event(&session, text, len);
	free(text);
}

/* A client that is in no one's way can still be served. */
static void check_served(void)
{
	static const char ask[] = "\xff{\"execute\":\"echo\",\"id\":77}";

	while (qmp_toy_release(&toy))
		continue;
	take_output(SIZE_MAX);
	if (session.broken || session.detached)
		return;
	session.negotiated = true;
	arrive(ask, sizeof(ask) - 1, sizeof(ask));
	if (!memmem(session.out, session.out_len, "\"id\":77}", 8))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t at = 0;

	memset(&toy, 0, sizeof(toy));
	service = (struct qmp_service){
		.commands = qmp_toy_commands,
		.owner = &toy,
	};
	begin();
	while (at < size) {
		uint8_t op = data[at++];
		size_t n = MIN((size_t)(op >> 3U) * 16, size - at);

		switch (op & 7) {
		case 0:
		case 1:
		case 2:
			arrive((const char *)data + at, n,
			       (size_t)(op & 7U) * 7 + 1);
			at += n;
			break;
		case 3:
			take_output((size_t)op & 0xf8U);
			break;
		case 4:
			(void)qmp_toy_release(&toy);
			break;
		case 5:
			qmp_session_add_fd(&session,
					   open("/dev/null", O_CLOEXEC));
			break;
		case 6:
			tell();
			break;
		case 7:
			/* All the rest at once. */
			arrive((const char *)data + at, size - at, size);
			at = size;
			break;
		}
		if (session.detached && qmp_session_leaves(&session))
			qmp_session_hand_over(&session, -1);
		if (session.detached || session.broken) {
			end();
			begin();
		}
	}
	check_served();
	end();
	qmp_service_fini(&service);
	return 0;
}
