/* SPDX-License-Identifier: MIT */
/*
 * The spill: bytes of the guest's that the socket had no room for when they
 * came. They are at most what the guest had been promised, and in the way of
 * everything that comes after them, the end included.
 */
#include "backends/consomme/tcp_data.h"

#include <errno.h>

int csm_tcp_spill_put(struct csm_tcp *tcp, struct net_iov_walk *walk,
		      uint32_t n)
{
	struct iovec iov[2];
	size_t n_iov;
	int err = csm_ring_reserve(&tcp->spill, n);

	if (err < 0)
		return err;
	n_iov = csm_ring_room(&tcp->spill, iov);
	for (size_t i = 0; i < n_iov && n; i++) {
		uint32_t len = (uint32_t)net_iov_read(
			walk, iov[i].iov_base, MIN(iov[i].iov_len, (size_t)n));

		csm_ring_added(&tcp->spill, len);
		tcp->flow.stack->count.tcp_spilled += len;
		n -= len;
	}
	return 0;
}

void csm_tcp_spill_drain(struct csm_tcp *tcp)
{
	struct csm_flow *flow = &tcp->flow;
	struct iovec iov[2];
	struct msghdr msg = {.msg_iov = iov};

	while (tcp->spill.len) {
		ssize_t n;

		msg.msg_iovlen =
			csm_ring_held(&tcp->spill, 0, tcp->spill.len, iov);
		n = csm_host_send(flow->stack->host, flow->source.fd, &msg, 0);
		if (n == -EAGAIN) {
			tcp->blocked = true;
			return;
		}
		if (n < 0) {
			tcp->error = (int)-n;
			csm_tcp_abort(tcp);
			return;
		}
		csm_ring_take(&tcp->spill, (uint32_t)n);
	}
}
