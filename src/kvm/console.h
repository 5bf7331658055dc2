/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_KVM_CONSOLE_H
#define EVNIC_KVM_CONSOLE_H

/*
 * The outside of the serial port: where its bytes go and come from. Control
 * loop.
 *
 * Output is buffered and written when the loop has nothing else to do. While
 * nobody reads it, console_put() refuses, and the guest waits; after a second
 * of that, output is thrown away (and counted) until somebody reads again.
 * Input is read only as fast as the serial port takes it; a terminal, only while
 * we are in its foreground (SIGTTIN must be blocked). Ctrl-A x, typed on a
 * terminal, calls quit; Ctrl-A Ctrl-A sends one Ctrl-A.
 */

#include "base/log.h"
#include "base/loop.h"
#include "kvm/vm.h"

#include <stddef.h>

#define CONSOLE_BUFFER 65536

/* What the serial port does for the console. */
struct console_client {
	size_t (*input_room)(void *client);
	void (*input)(void *client, const unsigned char *bytes, size_t n);
	void (*output_room)(void *client); /* console_put() may work again */
	void (*quit)(void *client);
};

struct console {
	struct loop *loop;
	const struct console_client *client;
	void *client_arg;

	int out_fd; /* -1: output is discarded */
	ev_io writable;
	ev_prepare flush;
	ev_timer patience;
	unsigned char *buffer; /* a ring */
	size_t head, fill;
	bool refused;
	bool discarding;
	uint64_t lost;
	struct log_limit log;

	int in_fd; /* -1: nothing comes, or no more */
	ev_io readable;
	ev_timer pause; /* of reading a terminal that others read */
	bool is_terminal;
	bool escape; /* Ctrl-A was typed */
};

/* Takes over @config's files of the console, whatever it returns:
 * console_fini() closes them. 0 or -ENOMEM. */
int console_init(struct console *console, struct loop *loop,
		 const struct kvm_vm_config *config,
		 const struct console_client *client,
		 void *client_arg) MUST_CHECK;

/* Writes what is left, as long as it is read (a second without progress ends
 * that). Idempotent. */
void console_fini(struct console *console);

/* Starts reading input. */
void console_start(struct console *console);

/* Takes one byte of output, or refuses (false). */
bool console_put(struct console *console, unsigned char byte);

/* The serial port has room for input again. */
void console_input_room(struct console *console);

#endif
