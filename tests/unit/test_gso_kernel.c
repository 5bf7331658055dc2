/* SPDX-License-Identifier: MIT */
/*
 * Our cutting and our checksums against the kernel's: the same unfinished frame
 * is given to net/gso.h and, with a virtio-net header, to the kernel, which has
 * to finish it for a tap that takes no offloads. It gets there in two ways: from
 * a packet socket on that tap, and from another tap through a bridge. What comes
 * out of the tap is compared byte by byte, IPv4 identification included: both
 * count it up from the frame's.
 */
#include "net/gso.h"

#include "net/offload.h"
#include "net/vnet_hdr.h"
#include "support/frames.h"
#include "support/run.h"
#include "support/skip.h"
#include "support/tap_host.h"

#include <check.h>
#include <errno.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define TAP	"gso0"
#define SOURCE	"gso1"
#define BRIDGE	"gsobr0"
#define WAIT_MS 60000

/* How a frame gets to the kernel. */
enum way {
	BY_SOCKET,
	BY_BRIDGE,
	WAYS,
};

static int tap, sock, source;
static bool has_bridge;
static uint8_t frame[NET_VNET_HDR_LEN + FRAME_ROOM];
static uint8_t ours[FRAME_ROOM];
static uint8_t theirs[FRAME_ROOM];

/* False: this kernel has none. */
static bool add_bridge(void)
{
	static const char *const ports[] = {TAP, SOURCE};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = ioctl(fd, SIOCBRADDBR, BRIDGE);

	for (size_t i = 0; !err && i < ARRAY_SIZE(ports); i++) {
		struct ifreq ifr = {.ifr_name = BRIDGE};

		ifr.ifr_ifindex = (int)if_nametoindex(ports[i]);
		ck_assert_int_eq(ioctl(fd, SIOCBRADDIF, &ifr), 0);
	}
	(void)close(fd);
	return !err;
}

static void setup(void)
{
	tap = tap_host_open(TAP, IFF_TAP | IFF_NO_PI);
	ck_assert_int_ge(tap, 0);
	ck_assert_int_eq(ioctl(tap, TUNSETOFFLOAD, 0UL), 0);
	tap_host_set_up(TAP, true);
	sock = tap_host_socket(TAP);
	source = tap_host_open(SOURCE, IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
	ck_assert_int_ge(source, 0);
	tap_host_set_up(SOURCE, true);
	has_bridge = add_bridge();
	if (has_bridge)
		tap_host_set_up(BRIDGE, true);
}

static void teardown(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)close(sock);
	(void)close(source);
	(void)close(tap);
	if (has_bridge) {
		tap_host_set_up(BRIDGE, false);
		ck_assert_int_eq(ioctl(fd, SIOCBRDELBR, BRIDGE), 0);
	}
	(void)close(fd);
}

/* The next frame of ours that comes out of the tap. */
static size_t read_frame(void)
{
	struct pollfd wait = {.fd = tap, .events = POLLIN};

	for (;;) {
		ssize_t n;

		ck_assert_int_eq(poll(&wait, 1, WAIT_MS), 1);
		n = read(tap, theirs, sizeof(theirs));
		ck_assert_int_gt(n, 12);
		if (!memcmp(theirs, frame + NET_VNET_HDR_LEN, 12))
			return (size_t)n;
	}
}

/* Gives the kernel the frame in @frame. False: it does not know the type. */
static bool give(enum way way, const struct net_offload *offload, size_t len)
{
	int fd = way == BY_BRIDGE ? source : sock;
	uint8_t hdr[NET_VNET_HDR_LEN];
	uint8_t *start = frame + NET_VNET_HDR_LEN - TAP_HOST_HDR_LEN;

	net_vnet_hdr_build(offload, hdr);
	memcpy(start, hdr, TAP_HOST_HDR_LEN);
	len += TAP_HOST_HDR_LEN;
	if (write(fd, start, len) == (ssize_t)len)
		return true;
	ck_assert_int_eq(errno, EINVAL);
	return false;
}

static void compare(size_t len)
{
	ck_assert_uint_eq(read_frame(), len);
	ck_assert_mem_eq(theirs, ours, len);
}

static const struct frame_shape shapes[] = {
	{.gso_size = 1448, .tcp_options = 12, .payload = 64000, .seq = 99},
	{.gso_size = 1448, .payload = 1449, .tcp_flags = 0x99},
	{.gso_size = 1448, .payload = 14480, .tcp_flags = 0xd9, .ip_id = 65530},
	{.gso_size = 1000, .payload = 5001, .seq = 0xfffffe00},
	{.gso_size = 97, .payload = 9000, .tcp_flags = 0x11},
	{.gso_size = 777, .payload = 5000, .tags = {0x8100}},
	{.gso_size = 777, .payload = 5000, .tags = {0x88a8, 0x8100}},
	{.gso_size = 777, .payload = 5000, .ipv4_options = 40},
	{.gso_size = 777, .payload = 5000, .tcp_options = 40},
	{.gso_size = 1428, .payload = 64000, .ipv6 = true},
	{.gso_size = 1428, .payload = 9000, .ipv6 = true, .tcp_flags = 0x99},
	{.gso_size = 1428, .payload = 64000, .ipv6 = true, .extension = 60},
	{.gso_size = 999, .payload = 9000, .ipv6 = true, .tags = {0x8100}},
	{.gso_size = 1472, .payload = 60000, .udp = true, .ip_id = 65530},
	{.gso_size = 1471, .payload = 60001, .udp = true, .tags = {0x8100}},
	{.gso_size = 100, .payload = 999, .udp = true, .ipv4_options = 4},
	{.gso_size = 1452, .payload = 60000, .udp = true, .ipv6 = true},
	{.gso_size = 333,
	 .payload = 3333,
	 .udp = true,
	 .ipv6 = true,
	 .extension = 60},
};

START_TEST(cut_as_the_kernel_does)
{
	enum way way = (enum way)(_i % WAYS);
	const struct frame_shape *shape = &shapes[_i / WAYS];
	struct net_offload offload;
	size_t len = frame_make(shape, frame + NET_VNET_HDR_LEN, &offload);
	struct iovec iov = {frame + NET_VNET_HDR_LEN, len};
	struct net_gso_packet packet;
	struct net_gso gso;

	if (way == BY_BRIDGE && !has_bridge)
		return;
	if (!give(way, &offload, len)) {
		ck_assert(shape->udp); /* Linux 6.2 knows USO */
		return;
	}
	ck_assert_int_eq(net_gso_init(&gso, &offload, &iov, 1), 0);
	while (net_gso_next(&gso, ours, &packet)) {
		(void)net_iov_read(&packet.payload, ours + packet.header_len,
				   packet.payload_len);
		compare(packet.header_len + packet.payload_len);
	}
}
END_TEST

START_TEST(summed_as_the_kernel_does)
{
	static const struct frame_shape plain[] = {
		{.payload = 100},
		{.payload = 1001, .udp = true},
		{.payload = 1400, .ipv6 = true, .tags = {0x88a8}},
		{.payload = 777, .ipv6 = true, .udp = true},
	};

	for (size_t i = 0; i < 2 * ARRAY_SIZE(plain); i++) {
		struct net_offload offload;
		size_t len = frame_make(&plain[i / 2], frame + NET_VNET_HDR_LEN,
					&offload);
		struct iovec iov = {ours, len};

		if (i & 1) { /* an odd place */
			offload.csum_start++;
			offload.csum_offset = 33;
		}
		ck_assert(give(BY_SOCKET, &offload, len));
		memcpy(ours, frame + NET_VNET_HDR_LEN, len);
		ck_assert_int_eq(net_offload_finish(&offload, &iov, 1), 0);
		compare(len);
	}
}
END_TEST

/* A datagram whose sum is 0 says 0xffff. */
START_TEST(zero_sum)
{
	static const struct frame_shape udp = {.payload = 100, .udp = true};
	struct net_offload offload;
	size_t len = frame_make(&udp, frame + NET_VNET_HDR_LEN, &offload);
	struct iovec iov = {ours, len};
	uint8_t *last = frame + NET_VNET_HDR_LEN + len - 2;
	uint16_t check;

	iov.iov_base = frame + NET_VNET_HDR_LEN;
	memset(last, 0, 2);
	ck_assert_int_eq(net_offload_checksum(&offload, &iov, 1, &check), 0);
	last[0] = (uint8_t)(check >> 8);
	last[1] = (uint8_t)check;
	ck_assert(give(BY_SOCKET, &offload, len));
	memcpy(ours, frame + NET_VNET_HDR_LEN, len);
	iov.iov_base = ours;
	ck_assert_int_eq(net_offload_finish(&offload, &iov, 1), 0);
	ck_assert_uint_eq(ours[40] << 8 | ours[41], 0xffff);
	compare(len);
}
END_TEST

int main(void)
{
	const char *why = tap_host_enter();
	Suite *suite;
	TCase *tc;

	if (why)
		return test_skip(why);
	suite = suite_create("gso_kernel");
	tc = tcase_create("gso_kernel");
	tcase_set_timeout(tc, 100);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, cut_as_the_kernel_does, 0,
			    ARRAY_SIZE(shapes) * WAYS);
	tcase_add_test(tc, summed_as_the_kernel_does);
	tcase_add_test(tc, zero_sum);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
