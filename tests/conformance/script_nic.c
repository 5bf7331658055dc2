/* SPDX-License-Identifier: MIT */
/*
 * One NIC on an endpoint that the test steers.
 */
#include "conformance/script_nic.h"

#include "base/bytes.h"

#include <check.h>

#define FRAME_LEN 60
#define NUMBER_AT 14

struct vnic vnic;
struct script_endpoint *script;
uint8_t hdr[VNIC_HDR_LEN];
unsigned char out[VNIC_BUF_LEN], in[VNIC_BUF_LEN];

void nic_setup(void)
{
	vnic_init(&vnic);
	ck_assert_int_eq(script_endpoint_create(&vnic.loop, &script), 0);
	store_be16(out + 12, 0x0800);
	vnic_plug(&vnic, &script->base, 1, NIC_SIZE, false);
}

void nic_teardown(void)
{
	vnic_unplug(&vnic);
	net_endpoint_destroy(&script->base);
	vnic_fini(&vnic);
}

void nic_begin(void)
{
	ck_assert_int_eq(vnic_start(&vnic, NIC_RINGS), 0);
	vnic_run(&vnic);
}

struct script_queue *nic_queue(void)
{
	ck_assert_ptr_nonnull(script->queues[0]);
	return script->queues[0];
}

void nic_raise(enum net_action_type type, bool up)
{
	net_endpoint_raise(&script->base, (struct net_action){type, up, false});
}

void nic_send(uint32_t number)
{
	store_le32(out + NUMBER_AT, number);
	vnic_send(&vnic, NULL, out, FRAME_LEN, 0);
}

int64_t nic_take(void)
{
	if (script_queue_take(nic_queue(), in, sizeof(in), NULL) != FRAME_LEN)
		return -1;
	return load_le32(in + NUMBER_AT);
}

void nic_expect_alive(void)
{
	nic_queue()->tx_room = SIZE_MAX;
	nic_queue()->tx = SCRIPT_TX_NOW;
	nic_send(4711);
	vnic_run(&vnic);
	ck_assert_int_eq(nic_take(), 4711);
	ck_assert_uint_eq(vnic.needs_reset, 0);
}
