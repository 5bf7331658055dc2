/* SPDX-License-Identifier: MIT */
/*
 * Loops: mailboxes between threads, calls, the ends of things.
 */
#include "base/loop.h"
#include "support/run.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>

#define SENDERS	 4
#define MESSAGES 2000

static struct loop loop;

struct note {
	struct loop_msg msg;
	unsigned int sender, number;
};

static unsigned int next_number[SENDERS], out_of_order, arrived;
static struct note notes[SENDERS][MESSAGES];

static void note_run(struct loop_msg *msg)
{
	struct note *note = container_of(msg, struct note, msg);

	out_of_order += note->number != next_number[note->sender]++;
	arrived++;
	if (arrived == SENDERS * MESSAGES)
		loop_stop(&loop);
}

static void *send_notes(void *arg)
{
	struct note *mine = arg;

	for (unsigned int i = 0; i < MESSAGES; i++)
		loop_post(&loop, &mine[i].msg);
	return NULL;
}

START_TEST(messages_of_a_sender_arrive_in_order)
{
	pthread_t threads[SENDERS];

	ck_assert_int_eq(loop_init(&loop), 0);
	for (unsigned int s = 0; s < SENDERS; s++) {
		for (unsigned int i = 0; i < MESSAGES; i++)
			notes[s][i] = (struct note){{note_run, NULL}, s, i};
		ck_assert_int_eq(
			pthread_create(&threads[s], NULL, send_notes, notes[s]),
			0);
	}
	loop_run(&loop);
	for (unsigned int s = 0; s < SENDERS; s++)
		ck_assert_int_eq(pthread_join(threads[s], NULL), 0);
	ck_assert_uint_eq(arrived, SENDERS * MESSAGES);
	ck_assert_uint_eq(out_of_order, 0);
	loop_fini(&loop);
}
END_TEST

static unsigned int runs;

static void count_run(struct loop_msg *msg)
{
	UNUSED(msg);
	runs++;
}

static void again_run(struct loop_msg *msg)
{
	if (++runs < 3)
		loop_post(&loop, msg);
}

START_TEST(a_message_runs_later_and_may_be_posted_again)
{
	struct loop_msg msg = {.run = again_run};

	ck_assert_int_eq(loop_init(&loop), 0);
	loop_post(&loop, &msg);
	ck_assert_uint_eq(runs, 0);
	for (unsigned int i = 0; i < 5; i++)
		loop_run_once(&loop);
	ck_assert_uint_eq(runs, 3);
	loop_fini(&loop);
}
END_TEST

START_TEST(fini_runs_what_is_left)
{
	struct loop_msg first = {.run = count_run};
	struct loop_msg second = {.run = again_run};

	ck_assert_int_eq(loop_init(&loop), 0);
	loop_post(&loop, &first);
	loop_post(&loop, &second);
	loop_fini(&loop);
	ck_assert_uint_eq(runs, 3);
	loop_fini(&loop); /* a second time does nothing */
}
END_TEST

static pthread_t ran_on;

static void where(void *arg)
{
	bool *blocked = arg;
	sigset_t set;

	ran_on = pthread_self();
	ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, NULL, &set), 0);
	*blocked = sigismember(&set, SIGTERM) == 1;
}

START_TEST(iothread_runs_calls_and_messages_to_the_end)
{
	struct loop_msg msgs[10];
	struct iothread *io;
	bool blocked = false;

	ck_assert_int_eq(iothread_create("test", THREAD_QUEUE, &io), 0);
	loop_call(&io->loop, where, &blocked);
	ck_assert(pthread_equal(ran_on, io->thread));
	ck_assert(!pthread_equal(ran_on, pthread_self()));
	ck_assert(blocked); /* signals are the control loop's */
	for (size_t i = 0; i < ARRAY_SIZE(msgs); i++) {
		msgs[i].run = count_run;
		loop_post(&io->loop, &msgs[i]);
	}
	iothread_destroy(io);
	ck_assert_uint_eq(runs, ARRAY_SIZE(msgs));
	iothread_destroy(NULL);
}
END_TEST

/* To another loop and back, many times: how requests and their answers go. */
struct ball {
	struct loop_msg msg;
	struct loop *there;
	unsigned int throws;
};

static void back_run(struct loop_msg *msg);

static void there_run(struct loop_msg *msg)
{
	msg->run = back_run;
	loop_post(&loop, msg);
}

static void back_run(struct loop_msg *msg)
{
	struct ball *ball = container_of(msg, struct ball, msg);

	if (++ball->throws == 1000) {
		loop_stop(&loop);
		return;
	}
	msg->run = there_run;
	loop_post(ball->there, msg);
}

START_TEST(a_message_travels_there_and_back)
{
	struct iothread *io;
	struct ball ball = {.msg.run = there_run};

	ck_assert_int_eq(loop_init(&loop), 0);
	ck_assert_int_eq(iothread_create("test", THREAD_QUEUE, &io), 0);
	ball.there = &io->loop;
	loop_post(&io->loop, &ball.msg);
	loop_run(&loop);
	ck_assert_uint_eq(ball.throws, 1000);
	iothread_destroy(io);
	loop_fini(&loop);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("loop");
	TCase *tc = tcase_create("loop");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, messages_of_a_sender_arrive_in_order);
	tcase_add_test(tc, a_message_runs_later_and_may_be_posted_again);
	tcase_add_test(tc, fini_runs_what_is_left);
	tcase_add_test(tc, iothread_runs_calls_and_messages_to_the_end);
	tcase_add_test(tc, a_message_travels_there_and_back);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
