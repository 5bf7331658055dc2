/* SPDX-License-Identifier: MIT */
/*
 * The order of things in a virtio transport: accesses, starts, stops, resets.
 *
 * A device starts when the driver sets DRIVER_OK and stops when it writes 0 to
 * the status. Both may take until other loops have answered. The write that
 * asked waits for that ("waiting"), and so does every access that comes
 * meanwhile ("held", oldest first): the guest sees a start or stop as one step.
 *
 *	IDLE, stopped --start--> STARTING --done--> IDLE, running
 *	IDLE, running --stop---> STOPPING --done--> IDLE, stopped, registers reset
 *
 * A reset of the machine joins whatever phase there is: a start is stopped as
 * soon as it is done, a stop ends in the reset. While resets are under way
 * accesses are void (see transport.h). Their done functions are called from a
 * message, so that a transport may be destroyed there.
 *
 * The device may answer a start or stop before its op returns, while the write
 * is still being served: nothing waits then.
 */
#include "base/checked.h"
#include "virtio/transport_core.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void reset_done_run(struct loop_msg *msg);

/* Accesses. */

/* Answers an access that shall have no effect. */
static void access_void(struct bus_access *access)
{
	if (!access->is_write)
		access->value = UINT64_MAX >> (64 - 8 * access->size);
	bus_access_done(access);
}

static void access_hold(struct virtio_transport *t, struct bus_access *access,
			virtio_serve_fn serve)
{
	unsigned int at = (t->held_first + t->n_held) % VIRTIO_MAX_HELD;

	if (t->n_held == VIRTIO_MAX_HELD) {
		access_void(access);
		return;
	}
	t->held[at] = (struct virtio_held){access, serve};
	t->n_held++;
}

/* The oldest access that is held; there is one. */
static struct virtio_held held_take(struct virtio_transport *t)
{
	struct virtio_held held = t->held[t->held_first];

	t->held_first = (t->held_first + 1) % VIRTIO_MAX_HELD;
	t->n_held--;
	return held;
}

static void access_serve(struct virtio_transport *t, struct bus_access *access,
			 virtio_serve_fn serve)
{
	t->serving = true;
	serve(t, access);
	t->serving = false;
	if (t->phase != VIRTIO_PHASE_IDLE && t->n_resets == 0)
		t->waiting = access;
	else /* done, or void since the device itself asked for a reset */
		bus_access_done(access);
}

void virtio_transport_access(struct virtio_transport *t,
			     struct bus_access *access, virtio_serve_fn serve)
{
	if (t->n_resets > 0)
		access_void(access);
	else if (t->phase != VIRTIO_PHASE_IDLE)
		access_hold(t, access, serve);
	else
		access_serve(t, access, serve);
}

void virtio_transport_access_now(struct virtio_transport *t,
				 struct bus_access *access,
				 virtio_serve_fn serve)
{
	if (t->n_resets > 0) {
		access_void(access);
		return;
	}
	serve(t, access);
	bus_access_done(access);
}

static void answer_waiting(struct virtio_transport *t)
{
	struct bus_access *access = t->waiting;

	t->waiting = NULL;
	if (access)
		bus_access_done(access);
}

/* After a start or stop: answers who waited, and serves what was held back
 * until one of those starts or stops the device again. Inside access_serve()
 * there is nothing to do: the caller goes on. */
static void resume_accesses(struct virtio_transport *t)
{
	if (t->serving)
		return;
	answer_waiting(t);
	while (t->n_held > 0 && t->phase == VIRTIO_PHASE_IDLE) {
		struct virtio_held held = held_take(t);

		access_serve(t, held.access, held.serve);
	}
}

static void void_all(struct virtio_transport *t)
{
	answer_waiting(t);
	while (t->n_held > 0)
		access_void(held_take(t).access);
}

/* Start, stop, reset. */

static void reset_finish(struct virtio_transport *t)
{
	virtio_regs_reset(t);
	if (t->map->machine_reset)
		t->map->machine_reset(t);
	loop_post(t->loop, &t->reset_done);
}

static void config_notify(struct virtio_transport *t)
{
	struct virtio_irq irq = t->map->config_irq(t);

	virtio_irq_raise(&irq);
}

static void started_cb(void *arg, int err)
{
	struct virtio_transport *t = arg;

	t->phase = VIRTIO_PHASE_IDLE;
	t->running = err == 0;
	if (t->n_resets > 0) {
		if (t->running)
			virtio_transport_stop(t);
		else
			reset_finish(t);
		return;
	}
	t->status |= VIRTIO_STATUS_DRIVER_OK;
	if (err) {
		char text[ERRNO_TEXT_MAX];

		t->status |= VIRTIO_STATUS_NEEDS_RESET;
		t->config_notice = true;
		log_limited(&t->log, LOG_LEVEL_WARN,
			    "%s: the device cannot start: %s; the guest is "
			    "told that it needs a reset",
			    t->device->name,
			    errno_text(-err, text, sizeof(text)));
	}
	if (t->config_notice)
		config_notify(t);
	t->config_notice = false;
	resume_accesses(t);
}

void virtio_transport_start(struct virtio_transport *t)
{
	for (uint16_t i = 0; i < t->device->n_queues; i++) {
		const struct virtio_queue_regs *regs = &t->queues[i];

		t->setups[i] = (struct virtio_queue_setup){
			.enabled = regs->enabled,
			.size = regs->size,
			.desc = regs->addr[VIRTIO_QUEUE_DESC],
			.avail = regs->addr[VIRTIO_QUEUE_AVAIL],
			.used = regs->addr[VIRTIO_QUEUE_USED],
			.kick_fd = regs->kick_fd,
			.irq = t->map->queue_irq(t, i),
		};
		(void)eventfd_take(regs->kick_fd); /* of another life */
	}
	t->start = (struct virtio_start){
		.features = t->driver_features,
		.mem = t->platform->mem,
		.queues = t->setups,
		.n_queues = t->device->n_queues,
	};
	t->config_notice = false;
	t->phase = VIRTIO_PHASE_STARTING;
	t->device->ops->start(t->device, &t->start, started_cb, t);
}

static void stopped_cb(void *arg, int err)
{
	struct virtio_transport *t = arg;

	UNUSED(err); /* a stop cannot be refused */
	t->phase = VIRTIO_PHASE_IDLE;
	t->running = false;
	if (t->n_resets > 0) {
		reset_finish(t);
		return;
	}
	virtio_regs_reset(t);
	resume_accesses(t);
}

void virtio_transport_stop(struct virtio_transport *t)
{
	if (!t->running) {
		virtio_regs_reset(t);
		return;
	}
	t->phase = VIRTIO_PHASE_STOPPING;
	t->device->ops->stop(t->device, stopped_cb, t);
}

void virtio_transport_reset(struct virtio_transport *t, virtio_done_fn done,
			    void *arg)
{
	if (t->n_resets == VIRTIO_MAX_RESETS) {
		done(arg, -EBUSY);
		return;
	}
	t->resets[t->n_resets++] = (struct virtio_reset_request){done, arg};
	if (t->n_resets > 1)
		return; /* answered together with the first */
	void_all(t);
	if (t->phase != VIRTIO_PHASE_IDLE)
		return; /* started_cb or stopped_cb goes on */
	if (t->running)
		virtio_transport_stop(t);
	else
		reset_finish(t);
}

static void reset_done_run(struct loop_msg *msg)
{
	struct virtio_transport *t =
		container_of(msg, struct virtio_transport, reset_done);
	struct virtio_reset_request resets[VIRTIO_MAX_RESETS];
	unsigned int n = t->n_resets;

	memcpy(resets, t->resets, sizeof(resets));
	t->n_resets = 0;
	for (unsigned int i = 0; i < n; i++)
		resets[i].done(resets[i].arg, 0); /* may destroy t */
}

/* Unplug. */

int virtio_transport_request_unplug(struct virtio_transport *t,
				    void (*ejected)(void *arg), void *arg)
{
	t->ejected = ejected;
	t->ejected_arg = arg;
	return platform_request_unplug(t->slot);
}

void virtio_transport_ejected(struct virtio_transport *t)
{
	void (*ejected)(void *arg) = t->ejected;

	t->ejected = NULL;
	if (ejected)
		ejected(t->ejected_arg);
}

void virtio_transport_target(struct virtio_transport *t, uint16_t index,
			     unsigned int vcpu)
{
	const struct virtio_device_ops *ops = t->device->ops;
	bool runs = t->running && t->phase == VIRTIO_PHASE_IDLE;

	if (ops->queue_target && (runs || t->phase == VIRTIO_PHASE_STARTING))
		ops->queue_target(t->device, index, vcpu);
}

/* What the device tells its transport. */

/* The driver hears of a change only while the device runs; during a start, when
 * that is done. */
static void notice(struct virtio_transport *t)
{
	if (t->phase == VIRTIO_PHASE_STARTING)
		t->config_notice = true;
	else if (t->phase == VIRTIO_PHASE_IDLE && t->running)
		config_notify(t);
}

static void config_changed_cb(struct virtio_host *host)
{
	struct virtio_transport *t =
		container_of(host, struct virtio_transport, host);

	t->generation++;
	notice(t);
}

static void needs_reset_cb(struct virtio_host *host)
{
	struct virtio_transport *t =
		container_of(host, struct virtio_transport, host);

	if (!t->running && t->phase != VIRTIO_PHASE_STARTING)
		return; /* the reset has happened */
	t->status |= VIRTIO_STATUS_NEEDS_RESET;
	notice(t);
}

static const struct virtio_host_ops host_ops = {
	.config_changed = config_changed_cb,
	.needs_reset = needs_reset_cb,
};

/* Life. */

int virtio_transport_init(struct virtio_transport *t,
			  const struct virtio_map_ops *map,
			  struct platform *platform, struct loop *loop,
			  struct virtio_device *device)
{
	if (device->n_queues == 0 || device->n_queues > VIRTIO_MAX_QUEUES ||
	    !is_power_of_two(device->queue_size) ||
	    device->queue_size > VIRTIO_QUEUE_SIZE_MAX ||
	    device->config_len > VIRTIO_CONFIG_LEN_MAX)
		return -EINVAL;
	memset(t, 0, sizeof(*t));
	t->map = map;
	t->platform = platform;
	t->loop = loop;
	t->device = device;
	t->host.ops = &host_ops;
	t->reset_done.run = reset_done_run;
	atomic_init(&t->isr, 0);
	for (uint16_t i = 0; i < device->n_queues; i++)
		t->queues[i].kick_fd = -1;
	for (uint16_t i = 0; i < device->n_queues; i++) {
		int fd = eventfd_create();

		if (fd < 0) {
			virtio_transport_fini(t);
			return fd;
		}
		t->queues[i].kick_fd = fd;
	}
	virtio_regs_reset(t);
	return 0;
}

void virtio_transport_fini(struct virtio_transport *t)
{
	for (uint16_t i = 0; i < t->device->n_queues; i++)
		close_fd(&t->queues[i].kick_fd);
}

static struct platform_bell bell(struct virtio_transport *t, uint16_t index)
{
	struct platform_bell b = t->map->bell(t, index);

	b.fd = t->queues[index].kick_fd;
	return b;
}

static void detach(struct virtio_transport *t)
{
	t->device->host = NULL;
	while (t->n_bells > 0) {
		struct platform_bell b = bell(t, --t->n_bells);

		platform_bell_remove(t->slot, &b);
	}
	platform_unplug(t->slot);
}

int virtio_transport_attach(struct virtio_transport *t,
			    struct platform_slot *slot)
{
	t->slot = slot;
	t->device->host = &t->host;
	while (t->n_bells < t->device->n_queues) {
		struct platform_bell b = bell(t, t->n_bells);
		int err = platform_bell_add(slot, &b);

		if (err == -ENOSYS)
			break; /* kicks arrive as accesses */
		if (err < 0) {
			detach(t);
			return err;
		}
		t->n_bells++;
	}
	return 0;
}

void virtio_transport_destroy(struct virtio_transport *t)
{
	if (!t)
		return;
	assert(t->phase == VIRTIO_PHASE_IDLE && !t->running);
	assert(t->n_held == 0 && t->n_resets == 0);
	detach(t);
	virtio_transport_fini(t);
	t->map->release(t);
}
