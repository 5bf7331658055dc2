/* SPDX-License-Identifier: MIT */
/*
 * A virtio device that remembers.
 */
#include "support/fake_device.h"

#include "base/checked.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void require(bool condition, const char *what)
{
	if (condition)
		return;
	(void)fprintf(stderr, "fake device: %s\n", what);
	abort();
}

static struct fake_device *to_fake(struct virtio_device *device)
{
	return container_of(device, struct fake_device, device);
}

static uint64_t features_cb(struct virtio_device *device)
{
	return to_fake(device)->offer;
}

static bool accept_features_cb(struct virtio_device *device, uint64_t features)
{
	struct fake_device *fake = to_fake(device);

	require(!(features & ~(fake->offer | VIRTIO_F_VERSION_1)),
		"features beyond the offer");
	return !(features & fake->refused);
}

static void read_config_cb(struct virtio_device *device, uint32_t offset,
			   void *data, size_t len)
{
	struct fake_device *fake = to_fake(device);

	require(range_inside(offset, len, 0, sizeof(fake->config)),
		"read beyond the configuration");
	memcpy(data, fake->config + offset, len);
}

static void write_config_cb(struct virtio_device *device, uint32_t offset,
			    const void *data, size_t len)
{
	struct fake_device *fake = to_fake(device);

	require(range_inside(offset, len, 0, sizeof(fake->config)),
		"write beyond the configuration");
	require(fake->state == FAKE_STOPPED || fake->state == FAKE_RUNNING,
		"configuration written during a start or stop");
	memcpy(fake->config + offset, data, len);
}

static void start_cb(struct virtio_device *device,
		     const struct virtio_start *start, virtio_done_fn done,
		     void *arg)
{
	struct fake_device *fake = to_fake(device);

	require(fake->state == FAKE_STOPPED, "started while not stopped");
	require(start->n_queues == FAKE_DEVICE_QUEUES, "number of queues");
	require(start->features & VIRTIO_F_VERSION_1, "no VERSION_1");
	for (size_t i = 0; i < start->n_queues; i++)
		require(is_power_of_two(start->queues[i].size) &&
				start->queues[i].size <= device->queue_size,
			"size of a queue");
	fake->state = FAKE_STARTING;
	fake->starts++;
	fake->start = *start;
	memcpy(fake->queues, start->queues, sizeof(fake->queues));
	fake->done = done;
	fake->done_arg = arg;
	if (fake->on_start)
		fake->on_start();
	if (!fake->delay)
		(void)fake_device_finish(fake);
}

static void stop_cb(struct virtio_device *device, virtio_done_fn done,
		    void *arg)
{
	struct fake_device *fake = to_fake(device);

	require(fake->state == FAKE_RUNNING, "stopped while not running");
	fake->state = FAKE_STOPPING;
	fake->stops++;
	fake->done = done;
	fake->done_arg = arg;
	if (!fake->delay)
		(void)fake_device_finish(fake);
}

static void queue_target_cb(struct virtio_device *device, uint16_t index,
			    unsigned int vcpu)
{
	struct fake_device *fake = to_fake(device);

	require(fake->state == FAKE_RUNNING || fake->state == FAKE_STARTING,
		"hint while not running");
	require(index < FAKE_DEVICE_QUEUES, "hint for no queue");
	fake->targets[index] = vcpu;
	fake->n_targets++;
}

static void destroy_cb(struct virtio_device *device)
{
	require(to_fake(device)->state == FAKE_STOPPED,
		"destroyed while not stopped");
}

static const struct virtio_device_ops fake_ops = {
	.features = features_cb,
	.accept_features = accept_features_cb,
	.read_config = read_config_cb,
	.write_config = write_config_cb,
	.start = start_cb,
	.stop = stop_cb,
	.queue_target = queue_target_cb,
	.destroy = destroy_cb,
};

void fake_device_init(struct fake_device *fake)
{
	*fake = (struct fake_device){
		.device =
			{
				.ops = &fake_ops,
				.name = "fake0",
				.device_id = 1,
				.class_code = 0x020000,
				.n_queues = FAKE_DEVICE_QUEUES,
				.queue_size = FAKE_DEVICE_QUEUE_SIZE,
				.config_len = FAKE_DEVICE_CONFIG_LEN,
			},
		.offer = FAKE_F_LOW | FAKE_F_HIGH | VIRTIO_F_EVENT_IDX |
			 VIRTIO_F_INDIRECT_DESC,
	};
	for (size_t i = 0; i < sizeof(fake->config); i++)
		fake->config[i] = (uint8_t)(0xa0 + i);
}

bool fake_device_finish(struct fake_device *fake)
{
	int err = 0;

	if (fake->state == FAKE_STARTING) {
		err = fake->start_err;
		fake->state = err ? FAKE_STOPPED : FAKE_RUNNING;
	} else if (fake->state == FAKE_STOPPING) {
		fake->state = FAKE_STOPPED;
	} else {
		return false;
	}
	fake->done(fake->done_arg, err);
	return true;
}

void fake_device_interrupt(struct fake_device *fake, unsigned int queue)
{
	require(fake->state == FAKE_RUNNING, "interrupt while not running");
	virtio_irq_raise(&fake->queues[queue].irq);
}

bool fake_device_take_kick(struct fake_device *fake, unsigned int queue)
{
	require(fake->state == FAKE_RUNNING, "kick while not running");
	return eventfd_take(fake->queues[queue].kick_fd);
}
