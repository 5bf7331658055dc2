/* SPDX-License-Identifier: MIT */
/*
 * One client of the control socket. Input is cut into messages, each goes to the
 * dispatcher; what there is to say is collected in one buffer, a line each.
 */
#include "machine/qmp_session.h"

#include "machine/qmp_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FIRST_SIZE 1024
#define LINE_END   "\r\n"

const char qmp_full_text[] =
	"{\"error\":{\"class\":\"GenericError\",\"desc\":\"too many "
	"connections: close one that is no longer needed\"}}" LINE_END;

static const char no_memory_text[] =
	"{\"error\":{\"class\":\"GenericError\",\"desc\":\"out of memory\"}}" LINE_END;

static size_t pending(const struct qmp_session *s)
{
	return s->out_len - s->out_at;
}

/* Room for @len bytes more: moves what is pending to the front first. */
static bool reserve(struct qmp_session *s, size_t len)
{
	size_t size = s->out_size ? s->out_size : FIRST_SIZE;
	char *out;

	if (len > QMP_OUTPUT_MAX - pending(s))
		return false;
	if (s->out_at > 0) {
		memmove(s->out, s->out + s->out_at, pending(s));
		s->out_len = pending(s);
		s->out_at = 0;
	}
	while (size - s->out_len < len)
		size *= 2;
	if (size == s->out_size)
		return true;
	out = realloc(s->out, size);
	if (!out)
		return false;
	s->out = out;
	s->out_size = size;
	return true;
}

static void put(struct qmp_session *s, const char *text, size_t len)
{
	if (s->broken)
		return;
	if (!reserve(s, len)) {
		s->broken = true;
	} else {
		memcpy(s->out + s->out_len, text, len);
		s->out_len += len;
	}
	s->wake(s);
}

void qmp_session_put(struct qmp_session *session, cJSON *line)
{
	char *text = line ? cJSON_PrintUnformatted(line) : NULL;

	cJSON_Delete(line);
	if (text) {
		put(session, text, strlen(text));
		put(session, LINE_END, strlen(LINE_END));
	} else {
		put(session, no_memory_text, strlen(no_memory_text));
	}
	cJSON_free(text);
}

void qmp_session_fault(struct qmp_session *session, const char *what)
{
	cJSON *line = cJSON_CreateObject();
	cJSON *error = cJSON_AddObjectToObject(line, "error");

	(void)cJSON_AddStringToObject(error, "class", "GenericError");
	(void)cJSON_AddStringToObject(error, "desc", what);
	qmp_session_put(session, line);
}

static void greet(struct qmp_session *s)
{
	cJSON *line = cJSON_CreateObject();
	cJSON *greeting = cJSON_AddObjectToObject(line, "QMP");
	cJSON *version = qmp_version();

	if (!cJSON_AddItemToObject(greeting, "version", version))
		cJSON_Delete(version);
	(void)cJSON_AddArrayToObject(greeting, "capabilities");
	qmp_session_put(s, line);
}

void qmp_session_init(struct qmp_session *session, struct qmp_service *service,
		      void (*wake)(struct qmp_session *session))
{
	static const struct qmp_stream_limits limits = {
		.bytes = QMP_MESSAGE_MAX,
		.depth = QMP_DEPTH_MAX,
		.values = QMP_VALUES_MAX,
	};

	memset(session, 0, sizeof(*session));
	session->service = service;
	session->wake = wake;
	qmp_stream_init(&session->stream, &limits);
	greet(session);
}

void qmp_session_fini(struct qmp_session *session)
{
	if (session->call)
		session->call->session = NULL;
	session->call = NULL;
	qmp_session_hand_over(session, -1);
	qmp_stream_fini(&session->stream);
	qmp_fds_fini(&session->fds);
	free(session->out);
	session->out = NULL;
}

bool qmp_session_wants_input(const struct qmp_session *session)
{
	return !session->call && !session->detached && !session->broken &&
	       pending(session) < QMP_OUTPUT_ENOUGH;
}

size_t qmp_session_input(struct qmp_session *session, const char *bytes,
			 size_t n)
{
	struct qmp_stream *stream = &session->stream;
	enum qmp_stream_result result;
	size_t taken = 0;

	while (taken < n && qmp_session_wants_input(session)) {
		taken += qmp_stream_feed(stream, bytes + taken, n - taken,
					 &result);
		if (result == QMP_STREAM_VALUE)
			qmp_dispatch(session, stream->text, stream->len);
		else if (result == QMP_STREAM_FAULT)
			qmp_session_fault(session, stream->fault);
	}
	return taken;
}

void qmp_session_add_fd(struct qmp_session *session, int fd)
{
	qmp_fds_add(&session->fds, fd);
}

const char *qmp_session_output(const struct qmp_session *session, size_t *n)
{
	*n = pending(session);
	return session->out ? session->out + session->out_at : "";
}

void qmp_session_sent(struct qmp_session *session, size_t n)
{
	session->out_at += n;
	if (pending(session) > 0)
		return;
	free(session->out);
	session->out = NULL;
	session->out_at = 0;
	session->out_len = 0;
	session->out_size = 0;
}

bool qmp_session_leaves(const struct qmp_session *session)
{
	return session->detached && pending(session) == 0;
}

void qmp_session_hand_over(struct qmp_session *session, int fd)
{
	void (*taken)(void *arg, int fd) = session->taken;

	session->taken = NULL;
	if (taken)
		taken(session->taken_arg, fd);
}

void qmp_session_event(struct qmp_session *session, const char *text,
		       size_t len)
{
	if (session->negotiated && !session->detached)
		put(session, text, len);
}

char *qmp_event_text(const char *name, cJSON *data, size_t *len)
{
	cJSON *event = cJSON_CreateObject();
	cJSON *stamp = cJSON_AddObjectToObject(event, "timestamp");
	struct timespec now = {0};
	char *text, *line = NULL;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)cJSON_AddNumberToObject(stamp, "seconds", (double)now.tv_sec);
	(void)cJSON_AddNumberToObject(stamp, "microseconds",
				      (double)(now.tv_nsec / 1000));
	(void)cJSON_AddStringToObject(event, "event", name);
	if (data && !cJSON_AddItemToObject(event, "data", data))
		cJSON_Delete(data);
	text = cJSON_PrintUnformatted(event);
	cJSON_Delete(event);
	if (text) {
		int n = asprintf(&line, "%s%s", text, LINE_END);

		if (n < 0)
			line = NULL;
		else
			*len = (size_t)n;
	}
	cJSON_free(text);
	return line;
}
