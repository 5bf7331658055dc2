/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_NET_VNET_HDR_H
#define EVNIC_NET_VNET_HDR_H

/*
 * The virtio-net header (virtio 1.2, 5.1.6) and packet metadata, one into the
 * other, both ways.
 *
 * Layout, little endian: flags u8, gso_type u8, hdr_len u16, gso_size u16,
 * csum_start u16, csum_offset u16, num_buffers u16.
 */

#include "base/util.h"
#include "net/types.h"

#include <stdint.h>

#define VNET_HDR_F_NEEDS_CSUM 1
#define VNET_HDR_F_DATA_VALID 2

#define VNET_HDR_GSO_NONE   0
#define VNET_HDR_GSO_TCPV4  1
#define VNET_HDR_GSO_UDP    3
#define VNET_HDR_GSO_TCPV6  4
#define VNET_HDR_GSO_UDP_L4 5
#define VNET_HDR_GSO_ECN    0x80

#define VNET_HDR_NUM_BUFFERS 10 /* offset of num_buffers */

/* Reads the header of a frame of @frame_len bytes into @out. -EINVAL: an
 * unknown GSO type, a GSO frame without a size, or a checksum beyond the
 * frame. */
int net_vnet_hdr_parse(const uint8_t hdr[NET_VNET_HDR_LEN], uint32_t frame_len,
		       struct net_offload *out) MUST_CHECK;

/* Writes the header that says @offload, with num_buffers 0. */
void net_vnet_hdr_build(const struct net_offload *offload,
			uint8_t hdr[NET_VNET_HDR_LEN]);

/* Sets @meta's offload to what the header of a frame says, and the flags and
 * header lengths that follow from it. @frame: the first @n bytes of the frame,
 * all of it or NET_HEADERS_MAX; meta->len must be set. As net_vnet_hdr_parse(),
 * and -EINVAL as net_offload_to_flags(). */
int net_vnet_hdr_to_tx(const uint8_t hdr[NET_VNET_HDR_LEN],
		       const uint8_t *frame, size_t n,
		       struct net_tx_meta *meta) MUST_CHECK;

/* What a backend that speaks the header sends for @meta: its offload, or what
 * its flags ask for. -EINVAL: a wish that contradicts itself, or that the header
 * cannot say: the checksum of an IPv4 header. */
int net_vnet_hdr_from_tx(const struct net_tx_meta *meta,
			 uint8_t hdr[NET_VNET_HDR_LEN]) MUST_CHECK;

/* Sets what the header says about a received frame. meta->len must be set. The
 * protocol is known only of a GSO frame: net_offload_to_rx() tells it of any. As
 * net_vnet_hdr_parse(). */
int net_vnet_hdr_to_rx(const uint8_t hdr[NET_VNET_HDR_LEN],
		       struct net_rx_meta *meta) MUST_CHECK;

/* The header of a received frame, num_buffers 0. */
void net_vnet_hdr_from_rx(const struct net_rx_meta *meta,
			  uint8_t hdr[NET_VNET_HDR_LEN]);

#endif
