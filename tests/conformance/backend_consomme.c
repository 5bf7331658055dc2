/* SPDX-License-Identifier: MIT */
/*
 * Row: consomme. The suite's frames are no conversation that it knows, so what
 * is sent goes nowhere; what arrives is put among its answers, by an event of
 * the host's as everything that comes from outside.
 */
#include "backends/consomme/endpoint.h"
#include "conformance/backend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct outside {
	struct csm_source source;
	struct csm_stack *stack;
	int fd;
	uint8_t frame[CSM_REPLY_MAX];
	size_t len;
};

static void outside_event(struct csm_source *source, uint32_t events)
{
	struct outside *o = container_of(source, struct outside, source);

	UNUSED(events);
	if (o->len)
		csm_reply(o->stack, o->frame, o->len);
	o->len = 0;
}

static int consomme_open(struct backend *b, struct loop *control)
{
	struct outside *o = calloc(1, sizeof(*o));
	char error[CONSOMME_ERROR_MAX];
	struct consomme_config config;
	int err;

	if (!o)
		return -ENOMEM;
	consomme_config_init(&config);
	config.name = "net0";
	err = consomme_endpoint_create(&config, control, error, &b->endpoint);
	if (err < 0)
		goto free_outside;
	o->stack = consomme_of(b->endpoint)->stack;
	o->source.event = outside_event;
	o->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (o->fd < 0)
		goto destroy_endpoint;
	if (csm_host_watch(o->stack->host, o->fd, EPOLLIN | EPOLLET,
			   &o->source) < 0)
		goto close_eventfd;
	b->state = o;
	return 0;

close_eventfd:
	close_fd(&o->fd);
destroy_endpoint:
	net_endpoint_destroy(b->endpoint);
	err = -EIO;
free_outside:
	free(o);
	return err;
}

static void consomme_close(struct backend *b)
{
	struct outside *o = b->state;

	close_fd(&o->fd);
	free(o);
}

static int consomme_arrive(struct backend *b, const void *frame, size_t len)
{
	struct outside *o = b->state;
	uint64_t one = 1;

	if (len > sizeof(o->frame))
		return -EMSGSIZE;
	if (o->len)
		csm_stack_events(o->stack);
	memcpy(o->frame, frame, len);
	o->len = len;
	return write(o->fd, &one, sizeof(one)) == sizeof(one) ? 0 : -EIO;
}

const struct backend_row backend_consomme = {
	.name = "consomme",
	.type = "consomme",
	.ordered = true,
	.fast = true,
	.multiqueue = {1, 0},
	.tx_offloads = {true, true, true, true, true},
	.max_frame = CSM_REPLY_MAX,
	.open = consomme_open,
	.close = consomme_close,
	.arrive = consomme_arrive,
};
