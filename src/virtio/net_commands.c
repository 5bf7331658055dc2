/* SPDX-License-Identifier: MIT */
/*
 * Commands of the control queue.
 *
 * A reader walks over the command's bytes, in however many pieces they lie, and
 * copies what is asked for; a command must have been read to its end, no more
 * and no less. Lists of addresses may be longer than our tables: the rest is
 * skipped, and the table says that it overflows. The work is bounded by the
 * tables and by the descriptors of a chain, not by what the guest claims.
 */
#include "virtio/net_commands.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "virtio/net_defs.h"
#include "virtio/net_features.h"

#include <errno.h>
#include <string.h>

/* @at: bytes of the first segment that have been read. */
struct reader {
	const struct guest_mem *mem;
	const struct desc_seg *segs;
	size_t n;
	uint32_t at;
};

/* Takes the next @len bytes, to @buf if that is not NULL. */
static int take(struct reader *r, void *buf, uint64_t len)
{
	unsigned char *out = buf;

	while (len) {
		uint32_t part;

		if (!r->n)
			return -EMSGSIZE;
		part = (uint32_t)MIN(len, (uint64_t)(r->segs->len - r->at));
		if (out) {
			if (guest_mem_read(r->mem, r->segs->gpa + r->at, out,
					   part) < 0)
				return -EFAULT;
			out += part;
		}
		len -= part;
		r->at += part;
		if (r->at == r->segs->len) {
			r->segs++;
			r->n--;
			r->at = 0;
		}
	}
	return 0;
}

/* Takes all there is left, which must be @len bytes. */
static int take_rest(struct reader *r, void *buf, size_t len)
{
	int err = take(r, buf, len);

	return err < 0 ? err : (r->n ? -EMSGSIZE : 0);
}

static int take_le16(struct reader *r, uint16_t *out)
{
	uint8_t raw[2];
	int err = take(r, raw, sizeof(raw));

	*out = err < 0 ? 0 : load_le16(raw);
	return err;
}

static int take_le32(struct reader *r, uint32_t *out)
{
	uint8_t raw[4];
	int err = take(r, raw, sizeof(raw));

	*out = err < 0 ? 0 : load_le32(raw);
	return err;
}

static bool may(const struct virtio_net_settings *settings, uint64_t feature)
{
	return (settings->features & feature) != 0;
}

/* 5.1.6.5.1 */
static int set_rx_mode(struct virtio_net_settings *settings, uint8_t command,
		       struct reader *r)
{
	struct net_rx_filter *filter = &settings->filter;
	bool *const modes[] = {
		[VIRTIO_NET_CTRL_RX_PROMISC] = &filter->promisc,
		[VIRTIO_NET_CTRL_RX_ALLMULTI] = &filter->allmulti,
		[VIRTIO_NET_CTRL_RX_ALLUNI] = &filter->alluni,
		[VIRTIO_NET_CTRL_RX_NOMULTI] = &filter->nomulti,
		[VIRTIO_NET_CTRL_RX_NOUNI] = &filter->nouni,
		[VIRTIO_NET_CTRL_RX_NOBCAST] = &filter->nobcast,
	};
	uint64_t feature = command <= VIRTIO_NET_CTRL_RX_ALLMULTI
				   ? VIRTIO_NET_F_CTRL_RX
				   : VIRTIO_NET_F_CTRL_RX_EXTRA;
	uint8_t on;
	int err;

	if (command >= ARRAY_SIZE(modes) || !may(settings, feature))
		return -EOPNOTSUPP;
	err = take_rest(r, &on, sizeof(on));
	if (err < 0)
		return err;
	*modes[command] = on != 0;
	return VIRTIO_NET_CHANGED_FILTER;
}

static int take_table(struct reader *r, struct net_mac_table *table)
{
	uint32_t n, kept;
	int err;

	err = take_le32(r, &n);
	if (err < 0)
		return err;
	kept = MIN(n, (uint32_t)NET_MAC_TABLE_MAX);
	err = take(r, table->mac, (uint64_t)kept * NET_MAC_LEN);
	if (err < 0)
		return err;
	table->n = (uint16_t)kept;
	table->overflow = n > kept;
	return take(r, NULL, (uint64_t)(n - kept) * NET_MAC_LEN);
}

static int set_mac_tables(struct virtio_net_settings *settings,
			  struct reader *r)
{
	struct net_mac_table unicast, multicast;
	int err;

	if (!may(settings, VIRTIO_NET_F_CTRL_RX))
		return -EOPNOTSUPP;
	err = take_table(r, &unicast);
	if (!err)
		err = take_table(r, &multicast);
	if (!err && r->n)
		err = -EMSGSIZE;
	if (err < 0)
		return err;
	settings->filter.unicast = unicast;
	settings->filter.multicast = multicast;
	return VIRTIO_NET_CHANGED_FILTER;
}

static int set_mac(struct virtio_net_settings *settings, struct reader *r)
{
	uint8_t mac[NET_MAC_LEN];
	int err;

	if (!may(settings, VIRTIO_NET_F_CTRL_MAC_ADDR))
		return -EOPNOTSUPP;
	err = take_rest(r, mac, sizeof(mac));
	if (err < 0)
		return err;
	memcpy(settings->filter.mac, mac, sizeof(mac));
	return VIRTIO_NET_CHANGED_FILTER;
}

/* 5.1.6.5.2 */
static int mac_command(struct virtio_net_settings *settings, uint8_t command,
		       struct reader *r)
{
	switch (command) {
	case VIRTIO_NET_CTRL_MAC_TABLE_SET:
		return set_mac_tables(settings, r);
	case VIRTIO_NET_CTRL_MAC_ADDR_SET:
		return set_mac(settings, r);
	default:
		return -EOPNOTSUPP;
	}
}

/* 5.1.6.5.3 */
static int vlan_command(struct virtio_net_settings *settings, uint8_t command,
			struct reader *r)
{
	uint8_t raw[2];
	int err;

	if (command > VIRTIO_NET_CTRL_VLAN_DEL ||
	    !may(settings, VIRTIO_NET_F_CTRL_VLAN))
		return -EOPNOTSUPP;
	err = take_rest(r, raw, sizeof(raw));
	if (!err)
		err = net_rx_filter_set_vlan(&settings->filter, load_le16(raw),
					     command ==
						     VIRTIO_NET_CTRL_VLAN_ADD);
	return err < 0 ? err : VIRTIO_NET_CHANGED_FILTER;
}

/* 5.1.6.5.4 */
static int announce_command(struct virtio_net_settings *settings,
			    uint8_t command, struct reader *r)
{
	if (command != VIRTIO_NET_CTRL_ANNOUNCE_ACK ||
	    !may(settings, VIRTIO_NET_F_GUEST_ANNOUNCE))
		return -EOPNOTSUPP;
	if (r->n)
		return -EMSGSIZE;
	settings->announce = false;
	return VIRTIO_NET_CHANGED_NOTHING;
}

/* 5.1.6.5.6: as many pairs, and no RSS. */
static int set_pairs(struct virtio_net_settings *settings, struct reader *r)
{
	struct virtio_net_steering *steering = &settings->steering;
	uint8_t raw[2];
	uint16_t n;
	int err;

	if (!may(settings, VIRTIO_NET_F_MQ))
		return -EOPNOTSUPP;
	err = take_rest(r, raw, sizeof(raw));
	if (err < 0)
		return err;
	n = load_le16(raw);
	if (!n || n > settings->max_pairs)
		return -EINVAL;
	if (n == steering->n_pairs && !steering->rss)
		return VIRTIO_NET_CHANGED_NOTHING;
	*steering = (struct virtio_net_steering){.n_pairs = n};
	return VIRTIO_NET_CHANGED_QUEUES;
}

/* An entry of the table: receive queue @entry is wanted. */
static bool use_queue(const struct virtio_net_settings *settings,
		      struct virtio_net_steering *steering, uint16_t entry)
{
	if (entry >= settings->max_pairs)
		return false;
	steering->n_pairs = MAX(steering->n_pairs, (uint16_t)(entry + 1U));
	return true;
}

static int take_rss_table(const struct virtio_net_settings *settings,
			  struct reader *r,
			  struct virtio_net_steering *steering)
{
	uint16_t mask;
	int err;

	err = take_le16(r, &mask);
	if (err < 0)
		return err;
	if (mask >= settings->max_table || !is_power_of_two(mask + 1U))
		return -EINVAL;
	steering->table_len = (uint16_t)(mask + 1U);
	err = take_le16(r, &steering->unclassified);
	if (err < 0)
		return err;
	if (!use_queue(settings, steering, steering->unclassified))
		return -EINVAL;
	for (uint16_t i = 0; i < steering->table_len; i++) {
		err = take_le16(r, &steering->table[i]);
		if (err < 0)
			return err;
		if (!use_queue(settings, steering, steering->table[i]))
			return -EINVAL;
	}
	return 0;
}

/* 5.1.6.5.7: the pairs in use are those that the table names, and as many as
 * the guest wants to transmit on. */
static int set_rss(struct virtio_net_settings *settings, struct reader *r)
{
	struct virtio_net_steering steering = {.rss = true};
	uint16_t max_tx;
	uint8_t key_len;
	int err;

	if (!may(settings, VIRTIO_NET_F_RSS))
		return -EOPNOTSUPP;
	err = take_le32(r, &steering.hash_types);
	if (err < 0)
		return err;
	if (steering.hash_types & ~(uint32_t)NET_RSS_TYPES_ALL)
		return -EINVAL;
	err = take_rss_table(settings, r, &steering);
	if (err < 0)
		return err;
	err = take_le16(r, &max_tx);
	if (err < 0)
		return err;
	if (!max_tx || max_tx > settings->max_pairs)
		return -EINVAL;
	steering.n_pairs = MAX(steering.n_pairs, max_tx);
	err = take(r, &key_len, sizeof(key_len));
	if (err < 0)
		return err;
	if (key_len != NET_RSS_KEY_LEN)
		return -EINVAL;
	/* Linux from 6.12 on sends a byte more: the padding of its structure. */
	err = take(r, steering.key, NET_RSS_KEY_LEN);
	if (err < 0)
		return err;
	settings->steering = steering;
	return VIRTIO_NET_CHANGED_QUEUES;
}

static int mq_command(struct virtio_net_settings *settings, uint8_t command,
		      struct reader *r)
{
	switch (command) {
	case VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET:
		return set_pairs(settings, r);
	case VIRTIO_NET_CTRL_MQ_RSS_CONFIG:
		return set_rss(settings, r);
	default:
		return -EOPNOTSUPP;
	}
}

/* 5.1.6.5.8 */
static int offloads_command(struct virtio_net_settings *settings,
			    uint8_t command, struct reader *r)
{
	uint8_t raw[8];
	uint64_t offloads;
	int err;

	if (command != VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET ||
	    !may(settings, VIRTIO_NET_F_CTRL_GUEST_OFFLOADS))
		return -EOPNOTSUPP;
	err = take_rest(r, raw, sizeof(raw));
	if (err < 0)
		return err;
	offloads = load_le64(raw);
	if ((offloads & ~(settings->features & VIRTIO_NET_GUEST_OFFLOADS)) ||
	    !virtio_net_features_fit(offloads))
		return -EINVAL;
	if (offloads == settings->offloads)
		return VIRTIO_NET_CHANGED_NOTHING;
	settings->offloads = offloads;
	return VIRTIO_NET_CHANGED_QUEUES;
}

int virtio_net_command_run(struct virtio_net_settings *settings,
			   const struct guest_mem *mem,
			   const struct desc_seg *segs, size_t n)
{
	struct reader r = {.mem = mem, .segs = segs, .n = n};
	uint8_t head[2];
	int err;

	err = take(&r, head, sizeof(head));
	if (err < 0)
		return err;
	switch (head[0]) {
	case VIRTIO_NET_CTRL_RX:
		return set_rx_mode(settings, head[1], &r);
	case VIRTIO_NET_CTRL_MAC:
		return mac_command(settings, head[1], &r);
	case VIRTIO_NET_CTRL_VLAN:
		return vlan_command(settings, head[1], &r);
	case VIRTIO_NET_CTRL_ANNOUNCE:
		return announce_command(settings, head[1], &r);
	case VIRTIO_NET_CTRL_MQ:
		return mq_command(settings, head[1], &r);
	case VIRTIO_NET_CTRL_GUEST_OFFLOADS:
		return offloads_command(settings, head[1], &r);
	default:
		return -EOPNOTSUPP;
	}
}

void virtio_net_settings_init(struct virtio_net_settings *settings,
			      uint64_t features, const uint8_t mac[NET_MAC_LEN],
			      uint16_t max_pairs, uint16_t max_table)
{
	memset(settings, 0, sizeof(*settings));
	settings->features = features;
	settings->max_pairs = max_pairs;
	settings->max_table = max_table;
	settings->offloads = features & VIRTIO_NET_GUEST_OFFLOADS;
	net_rx_filter_open(&settings->filter, mac);
	settings->filter.vlan_on = may(settings, VIRTIO_NET_F_CTRL_VLAN);
	settings->steering.n_pairs = 1;
}

uint64_t virtio_net_settings_features(
	const struct virtio_net_settings *settings)
{
	return (settings->features & ~VIRTIO_NET_GUEST_OFFLOADS) |
	       settings->offloads;
}

struct net_rss_config virtio_net_steering_rss(
	const struct virtio_net_steering *steering)
{
	return (struct net_rss_config){
		.key = steering->key,
		.key_len = sizeof(steering->key),
		.indirection_table = steering->table,
		.indirection_table_len = steering->table_len,
		.flags = steering->hash_types,
		.unclassified = steering->unclassified,
	};
}
