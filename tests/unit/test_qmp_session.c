/* SPDX-License-Identifier: MIT */
/*
 * One client of the control socket, without a socket: what it says and what it
 * is answered.
 */
#include "machine/qmp_session.h"
#include "support/count_calls.h"
#include "support/qmp_toy.h"
#include "support/run.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct qmp_toy toy;
static struct qmp_service service;
static struct qmp_session session;
static unsigned int wakes;

static void wake_cb(struct qmp_session *s)
{
	if (s != &session)
		abort(); /* ck_assert() would allocate */
	wakes++;
}

/* What there is to be sent, without "\r\n" and taken as sent. */
static const char *heard(void)
{
	static char text[16384];
	size_t len, used = 0;
	const char *out = qmp_session_output(&session, &len);

	for (size_t i = 0; i < len && used < sizeof(text) - 1; i++) {
		if (out[i] != '\r' && out[i] != '\n')
			text[used++] = out[i];
	}
	text[used] = '\0';
	qmp_session_sent(&session, len);
	return text;
}

static size_t say(const char *text)
{
	return qmp_session_input(&session, text, strlen(text));
}

#define OK	 "{\"return\":{}}"
#define ERROR(d) "{\"error\":{\"class\":\"GenericError\",\"desc\":\"" d "\"}}"
#define ERROR_ID(d, id)                                        \
	"{\"error\":{\"class\":\"GenericError\",\"desc\":\"" d \
	"\"},\"id\":" id "}"
#define UNKNOWN(d) \
	"{\"error\":{\"class\":\"CommandNotFound\",\"desc\":\"" d "\"}}"
#define EXPECTING                                          \
	UNKNOWN("Expecting capabilities negotiation with " \
		"'qmp_capabilities'")
#define A100                                                              \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void begin(void)
{
	memset(&toy, 0, sizeof(toy));
	toy.fd = -2;
	service = (struct qmp_service){
		.commands = qmp_toy_commands,
		.owner = &toy,
	};
	wakes = 0;
	qmp_session_init(&session, &service, wake_cb);
}

static void end(void)
{
	qmp_session_fini(&session);
	qmp_service_fini(&service);
}

static void negotiate(void)
{
	(void)heard();
	(void)say("{\"execute\":\"qmp_capabilities\"}");
	ck_assert_str_eq(heard(), OK);
}

START_TEST(a_client_is_greeted)
{
	const char *greeting = heard();

	ck_assert_msg(strncmp(greeting,
			      "{\"QMP\":{\"version\":{\"qemu\":{"
			      "\"micro\":",
			      33) == 0,
		      "%s", greeting);
	ck_assert_ptr_nonnull(strstr(greeting, "},\"package\":\"evnic "));
	ck_assert_ptr_nonnull(strstr(greeting, "\"},\"capabilities\":[]}}"));
	ck_assert_uint_gt(wakes, 0);
}
END_TEST

START_TEST(nothing_goes_before_negotiation)
{
	static const struct {
		const char *say, *hear;
	} rows[] = {
		{"{\"execute\":\"echo\"}", EXPECTING},
		{"{\"execute\":\"nonsense\"}", EXPECTING},
		{"{\"execute\":\"query-version\"}", EXPECTING},
		{"{\"foo\":1}", ERROR("QMP input member 'foo' is unexpected")},
		{"{\"execute\":\"qmp_capabilities\",\"arguments\":{\"x\":1}}",
		 ERROR("Parameter 'x' is unexpected")},
		{"{\"execute\":\"qmp_capabilities\",\"arguments\":"
		 "{\"enable\":5}}",
		 ERROR("Invalid parameter type for 'enable', expected: "
		       "array")},
		{"{\"execute\":\"qmp_capabilities\",\"arguments\":"
		 "{\"enable\":[5]}}",
		 ERROR("Invalid parameter type for 'enable[0]', expected: "
		       "string")},
		{"{\"execute\":\"qmp_capabilities\",\"arguments\":"
		 "{\"enable\":[\"oob\"]}}",
		 ERROR("Parameter 'enable' does not accept value 'oob'")},
		{"{\"execute\":\"echo\"}", EXPECTING},
		{"{\"execute\":\"qmp_capabilities\",\"arguments\":"
		 "{\"enable\":[]}}",
		 OK},
		{"{\"execute\":\"echo\"}", OK},
		{"{\"execute\":\"qmp_capabilities\"}",
		 UNKNOWN("Capabilities negotiation is already complete, "
			 "command ignored")},
	};

	(void)heard();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ck_assert_uint_eq(say(rows[i].say), strlen(rows[i].say));
		ck_assert_str_eq(heard(), rows[i].hear);
	}
}
END_TEST

static const struct {
	const char *say, *hear;
} dialogue[] = {
	/* Members of a message. */
	{"{\"execute\":5}",
	 ERROR("QMP input member 'execute' must be a string")},
	{"{\"foo\":1}", ERROR("QMP input member 'foo' is unexpected")},
	{"{}", ERROR("QMP input lacks member 'execute'")},
	{"{\"id\":1}", ERROR_ID("QMP input lacks member 'execute'", "1")},
	{"[]", ERROR("QMP input must be a JSON object")},
	{"5 ", ERROR("QMP input must be a JSON object")},
	{"\"s\"", ERROR("QMP input must be a JSON object")},
	{"{\"execute\":\"echo\",\"bar\":1,\"id\":2}",
	 ERROR_ID("QMP input member 'bar' is unexpected", "2")},
	{"{\"execute\":\"echo\",\"" A100 "a\":1}",
	 ERROR("QMP input member '" A100 "' is unexpected")},
	{"{\"execute\":\"echo\",\"arguments\":5}",
	 ERROR("QMP input member 'arguments' must be an object")},
	{"{\"execute\":\"echo\",\"execute\":\"quit\"}",
	 ERROR("JSON parse error, duplicate key")},
	{"{\"execute\":\"echo\",\"arguments\":{},\"arguments\":{}}",
	 ERROR("JSON parse error, duplicate key")},
	{"{\"execute\":\"echo\",\"id\":1,\"id\":2}",
	 ERROR_ID("JSON parse error, duplicate key", "1")},
	/* Commands and their arguments. */
	{"{\"execute\":\"nope\"}",
	 UNKNOWN("The command nope has not been found")},
	{"{\"execute\":\"\"}", UNKNOWN("The command  has not been found")},
	{"{\"execute\":\"" A100 "a\"}",
	 UNKNOWN("The command " A100 " has not been found")},
	{"{\"execute\":\"echo\"}", OK},
	{"{\"execute\":\"echo\",\"arguments\":{}}", OK},
	{"{\"execute\":\"echo\",\"arguments\":{\"number\":7,\"text\":\"a\"}}",
	 "{\"return\":{\"number\":7,\"text\":\"a\"}}"},
	{"{\"execute\":\"echo\",\"arguments\":{\"x\":1}}",
	 ERROR("Parameter 'x' is unexpected")},
	{"{\"execute\":\"hold\",\"arguments\":{\"x\":1}}",
	 ERROR("Parameter 'x' is unexpected")},
	{"{\"execute\":\"text\"}", ERROR("Parameter 'length' is missing")},
	{"{\"execute\":\"echo\",\"arguments\":{\"flag\":true,\"flag\":1}}",
	 ERROR("JSON parse error, duplicate key")},
	{"{\"execute\":\"echo\",\"arguments\":{\"text\":5}}",
	 ERROR("Invalid parameter type for 'text', expected: string")},
	{"{\"execute\":\"echo\",\"arguments\":{\"text\":null}}",
	 ERROR("Invalid parameter type for 'text', expected: string")},
	{"{\"execute\":\"echo\",\"arguments\":{\"number\":\"5\"}}",
	 ERROR("Invalid parameter type for 'number', expected: integer")},
	{"{\"execute\":\"echo\",\"arguments\":{\"number\":1.5}}",
	 ERROR("Invalid parameter type for 'number', expected: integer")},
	{"{\"execute\":\"echo\",\"arguments\":{\"number\":1e99}}",
	 ERROR("Invalid parameter type for 'number', expected: integer")},
	{"{\"execute\":\"echo\",\"arguments\":{\"flag\":1}}",
	 ERROR("Invalid parameter type for 'flag', expected: boolean")},
	{"{\"execute\":\"echo\",\"arguments\":{\"object\":[]}}",
	 ERROR("Invalid parameter type for 'object', expected: object")},
	{"{\"execute\":\"echo\",\"arguments\":{\"list\":{}}}",
	 ERROR("Invalid parameter type for 'list', expected: array")},
	{"{\"execute\":\"echo\",\"arguments\":{\"any\":[{\"a\":null}]}}",
	 "{\"return\":{\"any\":[{\"a\":null}]}}"},
	/* Errors of commands. */
	{"{\"execute\":\"fail\"}", ERROR("it is meant to fail")},
	{"{\"execute\":\"fail\",\"arguments\":{\"device\":\"d\"},\"id\":[]}",
	 "{\"error\":{\"class\":\"DeviceNotFound\",\"desc\":\"Device 'd' not "
	 "found\"},\"id\":[]}"},
	/* Ids come back as they were. */
	{"{\"execute\":\"echo\",\"id\":null}", "{\"return\":{},\"id\":null}"},
	{"{\"execute\":\"echo\",\"id\":{\"a\":[1,\"b\"]}}",
	 "{\"return\":{},\"id\":{\"a\":[1,\"b\"]}}"},
	{"{\"id\": 18446744073709551615,\"execute\":\"echo\"}",
	 "{\"return\":{},\"id\":18446744073709551615}"},
	{"{\"execute\":\"echo\" , \"id\" : -1.50e2 }",
	 "{\"return\":{},\"id\":-1.50e2}"},
	{"{\"execute\":\"echo\",\"id\":\"\\u00e9\"}",
	 "{\"return\":{},\"id\":\"\xc3\xa9\"}"},
	/* What is not JSON. */
	{"{ nope }", ERROR("JSON parse error, a key must start with a quote")},
	{"{\"execute\": \"echo\", }",
	 ERROR("JSON parse error, a comma after the last key")},
	{"{\"a\":]", ERROR("JSON parse error, this is not JSON")},
	{"}", ERROR("JSON parse error, expecting value")},
	{"@@@ ", ERROR("JSON parse error, this is not JSON")},
	{"{\"execute\":\"ec\n", ERROR("JSON parse error, stray control "
				      "character")},
	{"{\"execute\":\"echo\",\"id\":\"\\u0000\"}",
	 ERROR("JSON parse error, a string cannot hold \\\\u0000")},
	{"{\"execute\":\"echo\",\"id\":\"\xfe\"}",
	 ERROR("JSON parse error, invalid UTF-8 sequence")},
	{"{\"execute\":\"echo\",\"id\":\"\\ud800\"}",
	 ERROR("JSON parse error, an escape that is not JSON")},
	{"{\"execute\":\"e\xff", ERROR("JSON parse error, stray '\\\\xff'")},
	{"{\"execute\":\"echo\",\"id\":\"ok\"}",
	 "{\"return\":{},\"id\":\"ok\"}"},
};

START_TEST(each_message_is_answered)
{
	negotiate();
	/* Twice: whatever was said before, the next message is understood. */
	for (int round = 0; round < 2; round++) {
		ck_assert_uint_eq(say(dialogue[_i].say),
				  strlen(dialogue[_i].say));
		ck_assert_str_eq(heard(), dialogue[_i].hear);
		(void)say("{\"execute\":\"echo\",\"id\":9}");
		ck_assert_str_eq(heard(), "{\"return\":{},\"id\":9}");
	}
}
END_TEST

START_TEST(commands_are_listed)
{
	negotiate();
	(void)say("{\"execute\":\"query-commands\"}");
	ck_assert_str_eq(
		heard(),
		"{\"return\":[{\"name\":\"qmp_capabilities\"},"
		"{\"name\":\"query-version\"},{\"name\":\"query-commands\"},"
		"{\"name\":\"getfd\"},{\"name\":\"closefd\"},"
		"{\"name\":\"echo\"},{\"name\":\"fail\"},{\"name\":\"hold\"},"
		"{\"name\":\"release\"},{\"name\":\"text\"},"
		"{\"name\":\"tell\"},{\"name\":\"write\"},"
		"{\"name\":\"detach\"},{\"name\":\"quit\"}]}");
	(void)say("{\"execute\":\"query-version\"}");
	ck_assert_ptr_nonnull(strstr(heard(), "{\"return\":{\"qemu\":{"));
}
END_TEST

START_TEST(calls_are_answered_in_order)
{
	static const char both[] = "{\"execute\":\"hold\",\"id\":1}"
				   "{\"execute\":\"echo\",\"id\":2}";
	size_t taken;

	negotiate();
	taken = say(both);
	ck_assert_uint_eq(taken, strlen("{\"execute\":\"hold\",\"id\":1}"));
	ck_assert(!qmp_session_wants_input(&session));
	ck_assert_uint_eq(say(both + taken), 0);
	ck_assert_str_eq(heard(), "");
	ck_assert_uint_eq(toy.runs, 0);
	wakes = 0;
	ck_assert(qmp_toy_release(&toy));
	ck_assert_uint_gt(wakes, 0);
	ck_assert(qmp_session_wants_input(&session));
	(void)say(both + taken);
	ck_assert_str_eq(heard(), "{\"return\":\"held\",\"id\":1}"
				  "{\"return\":{},\"id\":2}");
}
END_TEST

START_TEST(a_call_outlives_its_client)
{
	negotiate();
	(void)say("{\"execute\":\"hold\"}");
	qmp_session_fini(&session);
	ck_assert(qmp_toy_release(&toy));
	ck_assert_ptr_null(service.calls);
	/* One more, which is never answered. */
	qmp_session_init(&session, &service, wake_cb);
	negotiate();
	(void)say("{\"execute\":\"hold\"}");
	ck_assert_ptr_nonnull(service.calls);
}
END_TEST

START_TEST(no_input_while_much_is_unread)
{
	size_t len;

	negotiate();
	(void)say("{\"execute\":\"text\",\"arguments\":{\"length\":70000}}");
	ck_assert(!qmp_session_wants_input(&session));
	ck_assert_uint_eq(say("{\"execute\":\"echo\"}"), 0);
	(void)qmp_session_output(&session, &len);
	ck_assert_uint_gt(len, 70000);
	qmp_session_sent(&session, 69000);
	ck_assert(qmp_session_wants_input(&session));
	qmp_session_sent(&session, len - 69000);
	(void)say("{\"execute\":\"echo\"}");
	ck_assert_str_eq(heard(), OK);
}
END_TEST

START_TEST(events_are_for_who_negotiated)
{
	size_t len, n;
	char *text = qmp_event_text("E", cJSON_CreateObject(), &len);
	long seconds, micros;
	int end_at = 0;

	ck_assert_ptr_nonnull(text);
	(void)heard();
	qmp_session_event(&session, text, len);
	ck_assert_str_eq(heard(), "");
	negotiate();
	qmp_session_event(&session, text, len);
	ck_assert_int_eq(sscanf(heard(),
				"{\"timestamp\":{\"seconds\":%ld,"
				"\"microseconds\":%ld},\"event\":\"E\","
				"\"data\":{}}%n",
				&seconds, &micros, &end_at),
			 2);
	ck_assert_int_gt(end_at, 0);
	ck_assert_int_gt(seconds, 1700000000);
	ck_assert_int_lt(micros, 1000000);
	/* As many as nobody reads. */
	for (size_t i = 0; i < QMP_OUTPUT_MAX / len - 1; i++) {
		qmp_session_event(&session, text, len);
		ck_assert(!session.broken);
	}
	qmp_session_event(&session, text, len);
	qmp_session_event(&session, text, len);
	ck_assert(session.broken);
	ck_assert(!qmp_session_wants_input(&session));
	(void)qmp_session_output(&session, &n);
	ck_assert_uint_le(n, QMP_OUTPUT_MAX);
	free(text);
}
END_TEST

static int make_pipe_end(int *other)
{
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	*other = fds[0];
	return fds[1];
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

START_TEST(descriptors_get_names)
{
	static const char no_fd[] =
		ERROR("No file descriptor supplied via SCM_RIGHTS");
	static const char bad_name[] =
		ERROR("Parameter 'fdname' expects a name not starting with a "
		      "digit, of 1 to 63 bytes");
	int first, second, read_end, other;
	char byte = 0;

	negotiate();
	(void)say("{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"a\"}}");
	ck_assert_str_eq(heard(), no_fd);
	first = make_pipe_end(&read_end);
	second = make_pipe_end(&other);
	qmp_session_add_fd(&session, first);
	qmp_session_add_fd(&session, second);
	(void)say("{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"a\"}}");
	ck_assert_str_eq(heard(), OK);
	(void)say("{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"1\"}}");
	ck_assert_str_eq(heard(), bad_name);
	ck_assert(!is_open(second));
	(void)say("{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"b\"}}");
	ck_assert_str_eq(heard(), no_fd);
	(void)say("{\"execute\":\"write\",\"arguments\":{\"fdname\":\"b\"}}");
	ck_assert_str_eq(heard(), ERROR("File descriptor named 'b' not found"));
	(void)say("{\"execute\":\"write\",\"arguments\":{\"fdname\":\"a\"}}");
	ck_assert_str_eq(heard(), OK);
	ck_assert_int_eq(read(read_end, &byte, 1), 1);
	ck_assert_int_eq(byte, '!');
	/* Taken: the name is free again. */
	(void)say("{\"execute\":\"closefd\",\"arguments\":{\"fdname\":\"a\"}}");
	ck_assert_str_eq(heard(), ERROR("File descriptor named 'a' not found"));
	(void)close(read_end);
	(void)close(other);
}
END_TEST

START_TEST(a_name_given_again_is_the_last_one)
{
	int other[2], fds[2];

	negotiate();
	for (int i = 0; i < 2; i++) {
		fds[i] = make_pipe_end(&other[i]);
		qmp_session_add_fd(&session, fds[i]);
		(void)say("{\"execute\":\"getfd\",\"arguments\":"
			  "{\"fdname\":\"a\"}}");
		ck_assert_str_eq(heard(), OK);
	}
	ck_assert(!is_open(fds[0]));
	ck_assert(is_open(fds[1]));
	(void)say("{\"execute\":\"closefd\",\"arguments\":{\"fdname\":\"a\"}}");
	ck_assert_str_eq(heard(), OK);
	ck_assert(!is_open(fds[1]));
	(void)close(other[0]);
	(void)close(other[1]);
}
END_TEST

START_TEST(descriptors_are_bounded)
{
	int other[QMP_FDS_MAX + 4], fds[QMP_FDS_MAX + 4];
	char text[100];

	negotiate();
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = make_pipe_end(&other[i]);
		qmp_session_add_fd(&session, fds[i]);
		ck_assert_int_eq(is_open(fds[i]), i < QMP_FDS_MAX);
	}
	for (int i = 0; i < QMP_FD_NAMES_MAX + 1; i++) {
		qmp_session_add_fd(&session, dup(other[0]));
		(void)snprintf(text, sizeof(text),
			       "{\"execute\":\"getfd\",\"arguments\":"
			       "{\"fdname\":\"n%d\"}}",
			       i);
		(void)say(text);
		ck_assert_str_eq(
			heard(),
			i < QMP_FD_NAMES_MAX
				? OK
				: ERROR("Too many file descriptors, at most "
					"64: use closefd"));
	}
	qmp_session_fini(&session);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		/* The numbers of those beyond were used again. */
		ck_assert(i >= QMP_FDS_MAX || !is_open(fds[i]));
		(void)close(other[i]);
	}
	qmp_session_init(&session, &service, wake_cb);
}
END_TEST

START_TEST(a_connection_is_given_away)
{
	negotiate();
	(void)say("{\"execute\":\"detach\"}{\"execute\":\"echo\"}");
	ck_assert(!qmp_session_wants_input(&session));
	ck_assert(!qmp_session_leaves(&session));
	qmp_session_event(&session, "event", 5);
	ck_assert_str_eq(heard(), OK);
	ck_assert(qmp_session_leaves(&session));
	ck_assert_int_eq(toy.fd, -2);
	qmp_session_hand_over(&session, 77);
	ck_assert_int_eq(toy.fd, 77);
	qmp_session_fini(&session);
	ck_assert_int_eq(toy.fd, 77);
	qmp_session_init(&session, &service, wake_cb);
}
END_TEST

START_TEST(a_connection_that_is_not_given_away_is_told)
{
	/* The call fails. */
	negotiate();
	(void)say("{\"execute\":\"detach\",\"arguments\":{\"fail\":true}}");
	ck_assert_str_eq(heard(), ERROR("it is meant to fail"));
	ck_assert_int_eq(toy.fd, -1);
	ck_assert(qmp_session_wants_input(&session));
	/* The client goes before the reply is sent. */
	toy.fd = -2;
	(void)say("{\"execute\":\"detach\"}");
	ck_assert_int_eq(toy.fd, -2);
	qmp_session_fini(&session);
	ck_assert_int_eq(toy.fd, -1);
	/* The client goes before the call is answered. */
	toy.fd = -2;
	qmp_session_init(&session, &service, wake_cb);
	negotiate();
	(void)say("{\"execute\":\"detach\",\"arguments\":{\"hold\":true}}");
	qmp_session_fini(&session);
	ck_assert_int_eq(toy.fd, -2);
	ck_assert(qmp_toy_release(&toy));
	ck_assert_int_eq(toy.fd, -1);
	qmp_session_init(&session, &service, wake_cb);
}
END_TEST

static void *counted_malloc(size_t size)
{
	return malloc(size);
}

static void counted_free(void *pointer)
{
	free(pointer);
}

static void say_all(void)
{
	static const char *const lines[] = {
		"{\"execute\":\"qmp_capabilities\"}",
		"{\"execute\":\"echo\",\"arguments\":{\"any\":[{\"a\":1}]}}",
		"{\"execute\":\"echo\",\"id\":18446744073709551615}",
		"{\"execute\":\"query-commands\",\"id\":{\"a\":[1]}}",
		"{\"execute\":\"nope\"}",
		"{ nope }",
		"{\"execute\":\"fail\",\"arguments\":{\"device\":\"d\"}}",
		"{\"execute\":\"text\",\"arguments\":{\"length\":9000}}",
		"{\"execute\":\"detach\",\"arguments\":{\"fail\":true}}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		(void)say(lines[i]);
		(void)heard();
	}
}

/* Each allocation fails once; the next client is served as ever. */
START_TEST(out_of_memory)
{
	cJSON_Hooks hooks = {counted_malloc, counted_free};
	unsigned long before = count_allocations(), n;
	long live;

	cJSON_InitHooks(&hooks);
	say_all();
	n = count_allocations() - before;
	ck_assert_uint_gt(n, 50);
	end();
	live = count_live_allocations();
	for (unsigned int nth = 1; nth <= n; nth++) {
		fail_allocation(nth);
		begin();
		say_all();
		fail_allocation(0);
		end();
		ck_assert_int_eq(count_live_allocations(), live);
	}
	cJSON_InitHooks(NULL);
	begin();
	negotiate();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("qmp_session");
	TCase *tc = tcase_create("qmp_session");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, a_client_is_greeted);
	tcase_add_test(tc, nothing_goes_before_negotiation);
	tcase_add_loop_test(tc, each_message_is_answered, 0,
			    ARRAY_SIZE(dialogue));
	tcase_add_test(tc, commands_are_listed);
	tcase_add_test(tc, calls_are_answered_in_order);
	tcase_add_test(tc, a_call_outlives_its_client);
	tcase_add_test(tc, no_input_while_much_is_unread);
	tcase_add_test(tc, events_are_for_who_negotiated);
	tcase_add_test(tc, descriptors_get_names);
	tcase_add_test(tc, a_name_given_again_is_the_last_one);
	tcase_add_test(tc, descriptors_are_bounded);
	tcase_add_test(tc, a_connection_is_given_away);
	tcase_add_test(tc, a_connection_that_is_not_given_away_is_told);
	tcase_add_test(tc, out_of_memory);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
