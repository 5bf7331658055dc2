/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_FUZZ_CONSOMME_RIG_H
#define EVNIC_TESTS_FUZZ_CONSOMME_RIG_H

/*
 * A stack of consomme's between a guest and a host that a fuzzer plays, and the
 * judge of what it does: each frame for the guest is sound; each byte of a
 * connection comes out as it went in, in order; numbers keep their order; no
 * bound is passed; nothing is left at the end.
 *
 * The byte with sequence number q is csm_rig_byte(q) on its way to the host; the
 * k-th of the other direction is csm_rig_byte(~k). So no byte of the input is
 * spent on payload.
 */

#include "backends/consomme/stack.h"
#include "backends/consomme/tcp.h"
#include "support/csm_fake_host.h"
#include "support/net_bufs.h"

#define CSM_RIG_TALKS	8
#define CSM_RIG_INBOUND 6 /* from here on the talks are the host's */
#define CSM_RIG_BUFS	128
#define CSM_RIG_PORT	22 /* of the guest's, forwarded */

/* A connection that is followed. @checked: bytes for the host so far. @tainted:
 * somebody has sent what is not the pattern. */
struct csm_rig_talk {
	struct csm_key key;
	struct fake_sock *sock;
	uint32_t irs, iss;
	uint64_t checked;
	bool tainted;
};

struct csm_rig {
	struct fake_host host;
	struct consomme_config config;
	struct csm_stack *stack;
	struct net_bufs bufs;
	struct net_rx_fifo fifo;
	struct net_queue queue;
	struct csm_out *out;
	struct fake_sock *listener, *udp_bound;
	bool hold;
	struct csm_rig_talk talks[CSM_RIG_TALKS];
	uint8_t *frame; /* room for NET_FRAME_MAX and a header */
	void *burst[64];
	size_t n_burst;
};

uint8_t csm_rig_byte(uint32_t q);

/* @mode: bit 0: a copy ring; 1: no GSO; 2: no checksums; 3: restricted; 4: an
 * alias of the loopback; 5: small caps. */
void csm_rig_init(struct csm_rig *rig, unsigned int mode);
void csm_rig_fini(struct csm_rig *rig);

/* The guest sends a frame, in pieces of @piece bytes (0: one). */
void csm_rig_send(struct csm_rig *rig, const struct net_offload *offload,
		  const uint8_t *frame, size_t len, size_t piece);

/* The guest's burst ends; the host tells what has happened; what is due is done;
 * the guest takes what there is. */
void csm_rig_run(struct csm_rig *rig);

/* Buffers that were held back are given. */
void csm_rig_give(struct csm_rig *rig);

/* The connection as the stack has it, or NULL. */
struct csm_tcp *csm_rig_tcp(struct csm_rig *rig, size_t talk);

void csm_rig_require(bool condition, const char *what);

#endif
