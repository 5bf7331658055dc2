/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_KVM_SERIAL_H
#define EVNIC_KVM_SERIAL_H

/*
 * COM1: a 16550A at port 0x3f8 with an edge-triggered interrupt. It lives on
 * the control loop; serial_peek() alone is for vCPU threads.
 */

#include "kvm/bus.h"
#include "kvm/console.h"
#include "kvm/layout.h"

#include <stdatomic.h>

#define SERIAL_FIFO 64 /* bytes of input, deeper than the real one's 16 */

struct serial_held {
	struct bus_access *access;
};

struct serial {
	struct bus_range range;
	struct console *console;
	int irq_fd; /* eventfd, owned; bound to COM1's GSI by the VM */
	bool irq_line;

	uint8_t ier, lcr, mcr, scr;
	uint16_t divisor;
	bool fifo_enabled;
	bool thre_pending; /* the transmitter-empty interrupt */
	unsigned char rx[SERIAL_FIFO];
	unsigned int rx_head, rx_fill;

	/* The line status register if a vCPU may read it without asking,
	 * otherwise 0. */
	_Atomic uint8_t line_status;

	/* Accesses that wait until the console takes output again; in order. */
	struct serial_held *held;
	size_t n_held, max_held;
};

/* @max_accesses: how many accesses can be under way at a time. 0 or -errno. */
int serial_init(struct serial *serial, struct bus *ports,
		struct console *console, size_t max_accesses) MUST_CHECK;

/* Idempotent on a zeroed or initialised object. */
void serial_fini(struct serial *serial);

/* Power-on state. */
void serial_reset(struct serial *serial);

/* As the console's client (the argument is the struct serial). */
size_t serial_input_room(const struct serial *serial);
void serial_input(struct serial *serial, const unsigned char *bytes, size_t n);
void serial_output_room(struct serial *serial);

/* Any thread: answers a read of one byte at @port that needs no message; false
 * if it does. Transmitting takes no time, so a driver that polls "transmitter
 * empty" before each byte costs no round trip. */
bool serial_peek(const struct serial *serial, uint64_t port,
		 unsigned char *byte);

#endif
