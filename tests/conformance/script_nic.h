/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_CONFORMANCE_SCRIPT_NIC_H
#define EVNIC_TESTS_CONFORMANCE_SCRIPT_NIC_H

/*
 * The fixture of the tests of virtio-net's life: one NIC on an endpoint that
 * the test steers, all on the control loop. One at a time, as Check runs cases.
 */

#include "support/script_endpoint.h"
#include "support/vnic.h"

#define NIC_RINGS (VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC)
#define NIC_SIZE  64

extern struct vnic vnic;
extern struct script_endpoint *script;
extern uint8_t hdr[VNIC_HDR_LEN];
extern unsigned char out[VNIC_BUF_LEN], in[VNIC_BUF_LEN];

void nic_setup(void);
void nic_teardown(void);

/* Starts the device, which must succeed. */
void nic_begin(void);

/* The endpoint's queue, which must be there. */
struct script_queue *nic_queue(void);

void nic_raise(enum net_action_type type, bool up);

/* A frame with a number, and the number of the next frame that the endpoint was
 * given; -1: there is none. */
void nic_send(uint32_t number);
int64_t nic_take(void);

/* A frame goes through, and nobody asks for a reset. */
void nic_expect_alive(void);

#endif
