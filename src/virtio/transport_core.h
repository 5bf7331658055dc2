/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_VIRTIO_TRANSPORT_CORE_H
#define EVNIC_VIRTIO_TRANSPORT_CORE_H

/*
 * What virtio-pci and virtio-mmio share: the registers and their rules
 * (transport_regs.c), and the order of accesses, starts and resets
 * (transport.c). A register map (pci.c, mmio.c) embeds struct virtio_transport
 * and says at which offset each register lies.
 *
 * Thread: the control loop, but for @isr.
 */

#include "base/log.h"
#include "virtio/transport.h"

#include <stdatomic.h>

/* Device status, virtio 1.2, 2.1. */
enum {
	VIRTIO_STATUS_ACKNOWLEDGE = 0x01,
	VIRTIO_STATUS_DRIVER = 0x02,
	VIRTIO_STATUS_DRIVER_OK = 0x04,
	VIRTIO_STATUS_FEATURES_OK = 0x08,
	VIRTIO_STATUS_NEEDS_RESET = 0x40,
	VIRTIO_STATUS_FAILED = 0x80,
};

/* Interrupt status, virtio 1.2, 4.1.4.5 and 4.2.2. */
enum {
	VIRTIO_ISR_QUEUE = 0x01,
	VIRTIO_ISR_CONFIG = 0x02,
};

#define VIRTIO_NO_VECTOR 0xffff

/* What the register maps have room for. */
#define VIRTIO_CONFIG_LEN_MAX 0xf00

/* Accesses held back at a time: one for each vCPU, and more than there are. */
#define VIRTIO_MAX_HELD 256

/* The parts of a queue, in the order of their registers. */
enum virtio_queue_part {
	VIRTIO_QUEUE_DESC,
	VIRTIO_QUEUE_AVAIL,
	VIRTIO_QUEUE_USED,
	VIRTIO_QUEUE_PARTS,
};

/* A queue's registers. @vector: PCI only. */
struct virtio_queue_regs {
	bool enabled;
	uint16_t size;
	uint16_t vector;
	uint64_t addr[VIRTIO_QUEUE_PARTS];
	int kick_fd; /* owned, as long as the transport lives */
};

/* Does one access: stores the answer to a read, or writes the register. */
typedef void (*virtio_serve_fn)(struct virtio_transport *t,
				struct bus_access *access);

/* What a register map adds. */
struct virtio_map_ops {
	/* Interrupts of queue @index, and of the configuration. */
	struct virtio_irq (*queue_irq)(struct virtio_transport *t,
				       uint16_t index);
	struct virtio_irq (*config_irq)(struct virtio_transport *t);
	/* The doorbell of queue @index, but for its fd. */
	struct platform_bell (*bell)(struct virtio_transport *t,
				     uint16_t index);
	/* Registers that a reset of the machine clears and a reset by the
	 * driver does not. Optional. */
	void (*machine_reset)(struct virtio_transport *t);
	/* Frees the object that embeds @t. */
	void (*release)(struct virtio_transport *t);
};

struct virtio_held {
	struct bus_access *access;
	virtio_serve_fn serve;
};

struct virtio_reset_request {
	virtio_done_fn done;
	void *arg;
};

enum virtio_phase {
	VIRTIO_PHASE_IDLE,
	VIRTIO_PHASE_STARTING,
	VIRTIO_PHASE_STOPPING,
};

struct virtio_transport {
	const struct virtio_map_ops *map;
	struct platform *platform;
	struct platform_slot *slot;
	struct loop *loop;
	struct virtio_device *device;
	struct virtio_host host; /* what the device calls */
	uint16_t n_bells;

	/* Registers. @offer: fixed from reset to reset. */
	uint64_t offer;
	uint64_t driver_features;
	uint32_t device_features_sel;
	uint32_t driver_features_sel;
	uint16_t queue_sel;
	uint16_t config_vector;
	uint8_t status;
	uint32_t generation;
	atomic_uint isr;
	struct virtio_queue_regs queues[VIRTIO_MAX_QUEUES];

	/* Start and stop. @waiting: the write that asked for it, or NULL.
	 * @serving: an access is being served. */
	enum virtio_phase phase;
	bool running;
	bool config_notice; /* to be sent when the start is done */
	struct virtio_start start;
	struct virtio_queue_setup setups[VIRTIO_MAX_QUEUES];
	struct bus_access *waiting;
	bool serving;

	/* Accesses that wait for the end of a start or stop, oldest first. */
	struct virtio_held held[VIRTIO_MAX_HELD];
	unsigned int held_first, n_held;

	/* Resets of the machine that are under way. */
	struct virtio_reset_request resets[VIRTIO_MAX_RESETS];
	unsigned int n_resets;
	struct loop_msg reset_done;

	/* Who wants to know that the guest has let go. */
	void (*ejected)(void *arg);
	void *ejected_arg;

	struct log_limit log;
};

/* Embedded state: makes the registers and the kick eventfds. 0 or -errno; after
 * an error fini is not needed. -EINVAL: the device breaks virtio/device.h's
 * limits. */
int virtio_transport_init(struct virtio_transport *t,
			  const struct virtio_map_ops *map,
			  struct platform *platform, struct loop *loop,
			  struct virtio_device *device) MUST_CHECK;
void virtio_transport_fini(struct virtio_transport *t);

/* Takes @slot over and hangs up the doorbells. 0 or -errno; after an error the
 * slot is unplugged. */
int virtio_transport_attach(struct virtio_transport *t,
			    struct platform_slot *slot) MUST_CHECK;

/* Serves @access with @serve now, or when the start or stop that is under way
 * is done. */
void virtio_transport_access(struct virtio_transport *t,
			     struct bus_access *access, virtio_serve_fn serve);

/* Serves a read of the device configuration, whatever is under way. */
void virtio_transport_access_now(struct virtio_transport *t,
				 struct bus_access *access,
				 virtio_serve_fn serve);

/* The guest has let go of the device. */
void virtio_transport_ejected(struct virtio_transport *t);

/* Starts or stops the device. The access that is being served will wait. */
void virtio_transport_start(struct virtio_transport *t);
void virtio_transport_stop(struct virtio_transport *t);

/* Interrupts of queue @index go to vCPU @vcpu now. */
void virtio_transport_target(struct virtio_transport *t, uint16_t index,
			     unsigned int vcpu);

/* Registers back to their values after reset (transport_regs.c). The device is
 * stopped. */
void virtio_regs_reset(struct virtio_transport *t);

/* Registers as the guest reads and writes them. Each function enforces what
 * may be written when. */
uint32_t virtio_regs_device_features(const struct virtio_transport *t);
uint32_t virtio_regs_driver_features(const struct virtio_transport *t);
void virtio_regs_set_driver_features(struct virtio_transport *t,
				     uint32_t value);
void virtio_regs_set_status(struct virtio_transport *t, uint32_t value);

/* The queue that the guest has selected; NULL: there is none. */
struct virtio_queue_regs *virtio_regs_queue(struct virtio_transport *t);
void virtio_regs_set_queue_size(struct virtio_transport *t, uint64_t value);
void virtio_regs_set_queue_half(struct virtio_transport *t,
				enum virtio_queue_part part, bool high,
				uint32_t value);
void virtio_regs_set_queue_enable(struct virtio_transport *t, bool enable);
void virtio_regs_set_queue_vector(struct virtio_transport *t, uint16_t vector);
void virtio_regs_kick(struct virtio_transport *t, uint64_t index);

/* Device configuration at @offset; beyond its end reads give 0 and writes are
 * ignored. */
uint64_t virtio_regs_read_config(struct virtio_transport *t, uint64_t offset,
				 uint8_t size);
void virtio_regs_write_config(struct virtio_transport *t, uint64_t offset,
			      uint8_t size, uint64_t value);

#endif
