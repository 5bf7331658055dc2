/* SPDX-License-Identifier: MIT */
/*
 * Event loops and their mailboxes.
 *
 * The inbox is a stack that any thread pushes to with compare-and-swap. The
 * owner takes the whole stack with one exchange, turns it round and runs it, so
 * there is no pop, hence no ABA. ev_async wakes the owner; libev folds many
 * wake-ups into one.
 *
 * The push is a release that pairs with the acquire of the exchange: what the
 * sender wrote before loop_post() is seen by the message's function.
 */
#include "base/loop.h"

#include "base/irq.h"

#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static void drain(struct loop *loop)
{
	struct loop_msg *msg, *next, *in_order = NULL;

	msg = atomic_exchange_explicit(&loop->inbox, NULL,
				       memory_order_acquire);
	for (; msg; msg = next) {
		next = msg->next;
		msg->next = in_order;
		in_order = msg;
	}
	for (msg = in_order; msg; msg = next) {
		next = msg->next; /* run() may post or free the message */
		msg->run(msg);
	}
}

static void wake_cb(struct ev_loop *ev, ev_async *w, int revents)
{
	UNUSED(ev);
	UNUSED(revents);
	drain(container_of(w, struct loop, wake));
}

/* A loop takes two file descriptors, and libev aborts where it cannot have the
 * second: 0 if both can be had, or -errno. */
static int check_fds(void)
{
	int a = eventfd_create();
	int b = eventfd_create();
	int err = MIN(MIN(a, b), 0);

	close_fd(&a);
	close_fd(&b);
	return err;
}

int loop_init(struct loop *loop)
{
	int err = check_fds();

	loop->ev = NULL;
	if (err < 0)
		return err;
	atomic_init(&loop->inbox, NULL);
	loop->ev = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
	if (!loop->ev)
		return -ENOMEM;
	ev_async_init(&loop->wake, wake_cb);
	ev_async_start(loop->ev, &loop->wake);
	return 0;
}

void loop_fini(struct loop *loop)
{
	if (!loop->ev)
		return;
	while (atomic_load_explicit(&loop->inbox, memory_order_relaxed))
		drain(loop);
	ev_async_stop(loop->ev, &loop->wake);
	ev_loop_destroy(loop->ev);
	loop->ev = NULL;
}

void loop_run(struct loop *loop)
{
	ev_run(loop->ev, 0);
}

void loop_run_once(struct loop *loop)
{
	ev_run(loop->ev, EVRUN_NOWAIT);
}

void loop_stop(struct loop *loop)
{
	ev_break(loop->ev, EVBREAK_ALL);
}

void loop_post(struct loop *loop, struct loop_msg *msg)
{
	struct loop_msg *head;

	head = atomic_load_explicit(&loop->inbox, memory_order_relaxed);
	do {
		msg->next = head;
	} while (!atomic_compare_exchange_weak_explicit(
		&loop->inbox, &head, msg, memory_order_release,
		memory_order_relaxed));
	ev_async_send(loop->ev, &loop->wake);
}

struct call {
	struct loop_msg msg;
	void (*run)(void *arg);
	void *arg;
	sem_t done;
};

static void call_run(struct loop_msg *msg)
{
	struct call *call = container_of(msg, struct call, msg);

	call->run(call->arg);
	(void)sem_post(&call->done);
}

void loop_call(struct loop *loop, void (*run)(void *arg), void *arg)
{
	struct call call = {
		.msg.run = call_run,
		.run = run,
		.arg = arg,
	};

	(void)sem_init(&call.done, 0, 0);
	loop_post(loop, &call.msg);
	while (sem_wait(&call.done) < 0 && errno == EINTR)
		continue;
	(void)sem_destroy(&call.done);
}

static void quit_run(struct loop_msg *msg)
{
	struct iothread *io = container_of(msg, struct iothread, quit);

	loop_stop(&io->loop);
}

static void *thread_main(void *arg)
{
	struct iothread *io = arg;

	thread_begin(io->kind, io->name);
	loop_run(&io->loop);
	return NULL;
}

int iothread_create(const char *name, enum thread_kind kind,
		    struct iothread **out)
{
	struct iothread *io = calloc(1, sizeof(*io));
	sigset_t all, old;
	int err;

	if (!io)
		return -ENOMEM;
	io->kind = kind;
	(void)snprintf(io->name, sizeof(io->name), "%s", name);
	io->quit.run = quit_run;
	err = loop_init(&io->loop);
	if (err < 0)
		goto free_io;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	err = -pthread_create(&io->thread, NULL, thread_main, io);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err < 0)
		goto fini_loop;
	*out = io;
	return 0;

fini_loop:
	loop_fini(&io->loop);
free_io:
	free(io);
	return err;
}

void iothread_destroy(struct iothread *io)
{
	if (!io)
		return;
	loop_post(&io->loop, &io->quit);
	(void)pthread_join(io->thread, NULL);
	loop_fini(&io->loop);
	free(io);
}
