/* SPDX-License-Identifier: MIT */
/*
 * DHCPv4 of consomme: messages of real clients, and each rule of RFC 2131 that a
 * server has to keep.
 */
#include "backends/consomme/dhcp_options.h"
#include "base/bytes.h"
#include "support/csm_local.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum {
	BOOTP,
	DISCOVER,
	OFFER,
	REQUEST,
	DECLINE,
	ACK,
	NAK,
	RELEASE,
	INFORM
};

#define GATEWAY 0x0a000202
#define GUEST	0x0a00020f

static struct script s;

/* What the client sends: options are put in by put_option(). */
static uint8_t message[1472];
static size_t message_len;
static struct local_head head;

/* What the server says. */
static struct local_packet reply;
static struct dhcp_options options;

static const char *const search[] = {"corp.example.com", "example.com"};

/* Begins, with what a test sets. No router advertisements come in between. */
static void start(void (*change)(struct consomme_config *config))
{
	script_prepare(&s, 0);
	s.config.ipv6 = false;
	if (change)
		change(&s.config);
	script_start(&s);
}

static void restart(void (*change)(struct consomme_config *config))
{
	script_end(&s);
	start(change);
}

static void setup(void)
{
	start(NULL);
}

static void teardown(void)
{
	local_free(&reply);
	script_end(&s);
}

static void put_option(uint8_t code, const void *value, size_t len)
{
	message[message_len++] = code;
	message[message_len++] = (uint8_t)len;
	memcpy(message + message_len, value, len);
	message_len += len;
}

static void put_address(uint8_t code, uint32_t address)
{
	uint8_t wire[4];

	store_be32(wire, address);
	put_option(code, wire, 4);
}

static void begin_message(uint8_t type)
{
	memset(message, 0, sizeof(message));
	message[0] = 1;
	message[1] = 1;
	message[2] = 6;
	store_be32(message + 4, 0x12345678);
	memcpy(message + 28, s.mac, 6);
	store_be32(message + 236, 0x63825363);
	message_len = 240;
	if (type != BOOTP)
		put_option(DHCP_TYPE, &type, 1);
	head = (struct local_head){
		.src = csm_addr_any4,
		.dst = local_addr("255.255.255.255"),
		.protocol = IPPROTO_UDP,
		.src_port = 68,
		.dst_port = 67,
	};
}

static void send_bytes(size_t len)
{
	local_send(&s, &head, message, len);
}

static void send_message(void)
{
	message[message_len++] = 255;
	send_bytes(message_len);
}

static uint8_t type_of_reply(void)
{
	uint8_t type;

	return dhcp_options_have(&options, DHCP_TYPE, &type, 1) ? type : BOOTP;
}

/* Takes the reply and checks what all of them have in common. */
static void expect_reply(uint8_t type, uint32_t yiaddr)
{
	uint8_t server[4];

	local_free(&reply);
	local_take(&s, &reply);
	local_expect_nothing(&s);
	ck_assert_uint_eq(reply.head.protocol, IPPROTO_UDP);
	ck_assert_uint_eq(reply.head.src_port, 67);
	ck_assert_uint_eq(reply.head.dst_port, 68);
	local_addr_eq(reply.head.src, "10.0.2.2");
	ck_assert_uint_ge(reply.len, 300);
	ck_assert_uint_eq(reply.payload[0], 2);
	ck_assert_uint_eq(reply.payload[1], 1);
	ck_assert_uint_eq(reply.payload[2], 6);
	ck_assert_uint_eq(reply.payload[3], 0);
	ck_assert_mem_eq(reply.payload + 4, message + 4, 4);
	ck_assert_uint_eq(load_be32(reply.payload + 16), yiaddr);
	ck_assert_uint_eq(load_be32(reply.payload + 24), 0);
	ck_assert_mem_eq(reply.payload + 28, message + 28, 16);
	ck_assert_uint_eq(load_be32(reply.payload + 236), 0x63825363);
	ck_assert_int_eq(dhcp_options_open(&options, reply.payload, reply.len),
			 0);
	ck_assert_uint_eq(type_of_reply(), type);
	if (type == BOOTP)
		return;
	ck_assert(dhcp_options_have(&options, DHCP_SERVER, server, 4));
	ck_assert_uint_eq(load_be32(server), GATEWAY);
}

static void expect_to(const char *address, bool to_all)
{
	static const uint8_t all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

	local_addr_eq(reply.head.dst, address);
	ck_assert_mem_eq(reply.mac, to_all ? all : s.mac, 6);
}

static void expect_u32(uint8_t code, uint32_t value)
{
	uint8_t wire[4];

	ck_assert_msg(dhcp_options_have(&options, code, wire, 4), "%u", code);
	ck_assert_uint_eq(load_be32(wire), value);
}

static void expect_bytes(uint8_t code, const void *value, size_t len)
{
	uint8_t buf[512];

	ck_assert_int_eq(dhcp_options_get(&options, code, buf, sizeof(buf)),
			 (ssize_t)len);
	ck_assert_mem_eq(buf, value, len);
}

static bool has(uint8_t code)
{
	return dhcp_options_get(&options, code, NULL, 0) != -ENOENT;
}

/* The codes in the reply, in order, as text. */
static const char *codes(void)
{
	static char text[512];
	size_t len = 0;

	text[0] = 0;
	for (size_t at = 240; at < reply.len && reply.payload[at] != 255;
	     at += 2U + reply.payload[at + 1])
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%u ",
					reply.payload[at]);
	return text;
}

/* ---- Real clients ---- */

/* busybox udhcpc 1.35: a whole frame. */
#define UDHCPC_HEAD                                                    \
	"ffffffffffff525400123456080045000148000000004011 79a6"        \
	"00000000ffffffff004400430134 ce6b 0101060016562b37"           \
	"000000000000000000000000000000000000000052540012345600000000" \
	"000000000000"
#define ZEROES_64                                                          \
	"0000000000000000000000000000000000000000000000000000000000000000" \
	"0000000000000000000000000000000000000000000000000000000000000000"

START_TEST(udhcpc)
{
	uint8_t frame[1024];
	size_t len = local_hex(UDHCPC_HEAD ZEROES_64 ZEROES_64 ZEROES_64
			       "63825363 350101 3902 0240 3707 0103060c0f1c2a"
			       "0c04 77656231 3c0c 756468637020312e33352e30"
			       "3d07 01525400123456 ff"
			       "0000000000000000000000000000",
			       frame, sizeof(frame));

	ck_assert_uint_eq(len, 342);
	memcpy(message, frame + 42, len - 42);
	local_send_frame(&s, frame, len);
	expect_reply(OFFER, GUEST);
	expect_to("10.0.2.15", false);
	ck_assert_uint_le(reply.len, 0x0240 - 28);
	expect_u32(DHCP_MASK, 0xffffff00);
	expect_u32(DHCP_ROUTER, GATEWAY);
	expect_u32(DHCP_DNS, 0x0a000203);
	expect_u32(DHCP_BROADCAST, 0x0a0002ff);
	expect_u32(DHCP_LEASE, 86400);
	expect_u32(DHCP_T1, 43200);
	expect_u32(DHCP_T2, 75600);
	expect_bytes(DHCP_MTU, "\x05\xdc", 2);
	expect_bytes(DHCP_CLIENT, "\x01RT\x00\x12\x34\x56", 7);
	ck_assert(!has(DHCP_HOSTNAME));
	ck_assert(!has(DHCP_DOMAIN));
	ck_assert(!has(DHCP_SEARCH));
	/* It was an offer: nobody has the address yet. */
	ck_assert(csm_addr_is_any(&s.stack->guest4));
}
END_TEST

/* ISC dhclient 4.4: 300 bytes, options it likes, no maximum. */
START_TEST(dhclient)
{
	static const uint8_t asked[] = {1,  28, 2,  3,	15,  6, 119,
					12, 44, 47, 26, 121, 42};

	begin_message(DISCOVER);
	put_address(DHCP_REQUESTED, 0xc0a80105); /* of another network */
	put_option(DHCP_HOSTNAME, "web1", 4);
	put_option(DHCP_PARAMETERS, asked, sizeof(asked));
	message[message_len] = 255;
	send_bytes(300);
	expect_reply(OFFER, GUEST);
	ck_assert_str_eq(codes(), "53 54 51 58 59 1 28 3 6 26 ");
	begin_message(REQUEST);
	put_address(DHCP_SERVER, GATEWAY);
	put_address(DHCP_REQUESTED, GUEST);
	put_option(DHCP_HOSTNAME, "web1", 4);
	put_option(DHCP_PARAMETERS, asked, sizeof(asked));
	message[message_len] = 255;
	send_bytes(300);
	expect_reply(ACK, GUEST);
	expect_to("10.0.2.15", false);
	local_addr_eq(s.stack->guest4, "10.0.2.15");
}
END_TEST

/* systemd-networkd: an identifier of a DUID, a large maximum, a rapid commit
 * that we may pass over (RFC 4039). */
START_TEST(networkd)
{
	static const uint8_t client[19] = {255, 0xb6, 0x22, 0x0f, 0xeb, 0, 2,
					   0,	0,    0xab, 0x11, 1,	2, 3,
					   4,	5,    6,    7,	  8};
	static const uint8_t asked[] = {1,  3,	6,   12,  15, 26,
					33, 42, 119, 120, 121};

	begin_message(DISCOVER);
	put_option(80, "", 0);
	put_option(DHCP_CLIENT, client, sizeof(client));
	put_option(DHCP_PARAMETERS, asked, sizeof(asked));
	put_option(DHCP_MAX_SIZE, "\x05\xc0", 2);
	put_option(DHCP_HOSTNAME, "web1", 4);
	send_message();
	expect_reply(OFFER, GUEST);
	expect_bytes(DHCP_CLIENT, client, sizeof(client));
	ck_assert_str_eq(codes(), "53 54 61 51 58 59 1 3 6 26 28 ");
}
END_TEST

/* The kernel's own (ip=dhcp): broadcasts, whatever happens. */
START_TEST(kernel_ipconfig)
{
	static const uint8_t asked[] = {1, 3, 6, 12, 15, 17, 26, 40, 42};

	begin_message(DISCOVER);
	store_be16(message + 10, 0x8000);
	put_option(DHCP_PARAMETERS, asked, sizeof(asked));
	send_message();
	expect_reply(OFFER, GUEST);
	expect_to("255.255.255.255", true);
	ck_assert_uint_eq(load_be16(reply.payload + 10), 0x8000);
	begin_message(REQUEST);
	store_be16(message + 10, 0x8000);
	put_address(DHCP_SERVER, GATEWAY);
	put_address(DHCP_REQUESTED, GUEST);
	put_option(DHCP_PARAMETERS, asked, sizeof(asked));
	send_message();
	expect_reply(ACK, GUEST);
	expect_to("255.255.255.255", true);
}
END_TEST

/* And as it does BOOTP (ip=bootp): no option of DHCP in the answer, which is
 * 300 bytes and for ever. */
START_TEST(kernel_bootp)
{
	static const uint8_t lengths[][2] = {{1, 4},   {3, 4},	 {5, 8},
					     {12, 32}, {40, 32}, {17, 40}};
	static const uint8_t zeroes[40];

	begin_message(BOOTP);
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++)
		put_option(lengths[i][0], zeroes, lengths[i][1]);
	put_option(57, "\x01\x96", 2);
	send_message();
	expect_reply(BOOTP, GUEST);
	ck_assert_uint_eq(reply.len, 300);
	ck_assert_str_eq(codes(), "1 3 6 28 26 ");
	local_addr_eq(s.stack->guest4, "10.0.2.15");
}
END_TEST

/* ---- Requests by the state of their client (RFC 2131, 4.3.2) ---- */

START_TEST(selecting)
{
	static const struct {
		uint32_t server, requested;
		int type; /* -1: silence */
	} rows[] = {
		{GATEWAY, GUEST, ACK},	    {GATEWAY, 0x0a000210, NAK},
		{GATEWAY, 0xc0a80105, NAK}, {GATEWAY, 0, -1},
		{0x0a000203, GUEST, -1},    {0xc0a80101, 0xc0a80105, -1},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		begin_message(REQUEST);
		put_address(DHCP_SERVER, rows[i].server);
		if (rows[i].requested)
			put_address(DHCP_REQUESTED, rows[i].requested);
		send_message();
		if (rows[i].type < 0)
			local_expect_nothing(&s);
		else
			expect_reply((uint8_t)rows[i].type,
				     rows[i].type == ACK ? GUEST : 0);
	}
}
END_TEST

START_TEST(init_reboot)
{
	begin_message(REQUEST);
	put_address(DHCP_REQUESTED, GUEST);
	send_message();
	expect_reply(ACK, GUEST);
	expect_to("10.0.2.15", false);
	begin_message(REQUEST);
	put_address(DHCP_REQUESTED, 0xc0a80105);
	send_message();
	expect_reply(NAK, 0);
	expect_to("255.255.255.255", true);
	begin_message(REQUEST);
	send_message();
	local_expect_nothing(&s);
}
END_TEST

START_TEST(renewing_and_rebinding)
{
	begin_message(REQUEST);
	store_be32(message + 12, GUEST);
	head.src = local_addr("10.0.2.15");
	head.dst = local_addr("10.0.2.2");
	send_message();
	expect_reply(ACK, GUEST);
	expect_to("10.0.2.15", false);
	ck_assert_uint_eq(load_be32(reply.payload + 12), GUEST);
	expect_u32(DHCP_LEASE, 86400);
	/* To all; the flag says nothing for who has an address. */
	begin_message(REQUEST);
	store_be32(message + 12, GUEST);
	store_be16(message + 10, 0x8000);
	head.src = local_addr("10.0.2.15");
	send_message();
	expect_reply(ACK, GUEST);
	expect_to("10.0.2.15", false);
	begin_message(REQUEST);
	store_be32(message + 12, 0x0a000210);
	head.src = local_addr("10.0.2.16");
	send_message();
	expect_reply(NAK, 0);
	expect_to("255.255.255.255", true);
	ck_assert_uint_eq(load_be32(reply.payload + 12), 0);
	ck_assert(has(DHCP_MESSAGE));
	ck_assert(!has(DHCP_LEASE));
	ck_assert(!has(DHCP_ROUTER));
}
END_TEST

START_TEST(decline_and_release)
{
	begin_message(REQUEST);
	put_address(DHCP_REQUESTED, GUEST);
	send_message();
	expect_reply(ACK, GUEST);
	begin_message(DECLINE);
	put_address(DHCP_SERVER, GATEWAY);
	put_address(DHCP_REQUESTED, GUEST);
	send_message();
	local_expect_nothing(&s);
	/* Of another server's lease. */
	begin_message(RELEASE);
	put_address(DHCP_SERVER, 0xc0a80101);
	store_be32(message + 12, GUEST);
	send_message();
	local_addr_eq(s.stack->guest4, "10.0.2.15");
	begin_message(RELEASE);
	put_address(DHCP_SERVER, GATEWAY);
	store_be32(message + 12, GUEST);
	send_message();
	local_expect_nothing(&s);
	ck_assert(csm_addr_is_any(&s.stack->guest4));
	/* And it is there for the next. */
	begin_message(DISCOVER);
	send_message();
	expect_reply(OFFER, GUEST);
}
END_TEST

START_TEST(inform)
{
	begin_message(INFORM);
	store_be32(message + 12, 0x0a000220);
	head.src = local_addr("10.0.2.32");
	send_message();
	expect_reply(ACK, 0);
	expect_to("10.0.2.32", false);
	ck_assert(!has(DHCP_LEASE));
	ck_assert(!has(DHCP_T1));
	expect_u32(DHCP_DNS, 0x0a000203);
	/* Some leave its address to the IP header. */
	begin_message(INFORM);
	head.src = local_addr("10.0.2.32");
	send_message();
	expect_reply(ACK, 0);
	expect_to("10.0.2.32", false);
	begin_message(INFORM);
	send_message();
	local_expect_nothing(&s);
}
END_TEST

/* ---- Options ---- */

static void with_names(struct consomme_config *config)
{
	strcpy(config->hostname, "web1");
	strcpy(config->domain, "example.com");
	config->search = search;
	config->n_search = ARRAY_SIZE(search);
	config->mtu = 9000;
	config->network.addr = csm_addr_from_u32(0x0a000000);
	config->network.len = 96 + 22;
}

static const uint8_t search_wire[] = "\4corp\7example\3com\0"
				     "\7example\3com";

START_TEST(names_and_mtu)
{
	restart(with_names);
	begin_message(DISCOVER);
	send_message();
	expect_reply(OFFER, GUEST);
	ck_assert_str_eq(codes(), "53 54 51 58 59 1 3 6 28 26 12 15 119 ");
	expect_bytes(DHCP_HOSTNAME, "web1", 4);
	expect_bytes(DHCP_DOMAIN, "example.com", 11);
	expect_bytes(DHCP_SEARCH, search_wire, sizeof(search_wire));
	expect_bytes(DHCP_MTU, "\x23\x28", 2);
	expect_u32(DHCP_MASK, 0xfffffc00);
	expect_u32(DHCP_BROADCAST, 0x0a0003ff);
}
END_TEST

/* In the order that is asked for; the mask stands before the router, and nothing
 * comes twice. */
START_TEST(order_of_parameters)
{
	static const uint8_t asked[] = {15, 51, 6, 3, 1, 6, 53, 200, 12};

	restart(with_names);
	begin_message(DISCOVER);
	put_option(DHCP_PARAMETERS, asked, sizeof(asked));
	send_message();
	expect_reply(OFFER, GUEST);
	ck_assert_str_eq(codes(), "53 54 51 58 59 1 15 6 3 12 28 26 119 ");
}
END_TEST

static char names[40][64];
static const char *name_list[40];

static void with_many_names(struct consomme_config *config)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		(void)snprintf(names[i], sizeof(names[i]),
			       "department-%zu.example.com", i);
		name_list[i] = names[i];
	}
	config->search = name_list;
	config->n_search = ARRAY_SIZE(name_list);
}

/* No reply is longer than its client takes; what does not fit is left out, and
 * an option beyond 255 bytes is in parts (RFC 3396). */
START_TEST(room_of_the_client)
{
	uint8_t buf[1024];
	ssize_t n;

	restart(with_many_names);
	begin_message(DISCOVER);
	send_message();
	expect_reply(OFFER, GUEST);
	ck_assert_uint_le(reply.len, 548);
	ck_assert(!has(DHCP_SEARCH));
	expect_u32(DHCP_DNS, 0x0a000203);

	begin_message(DISCOVER);
	put_option(DHCP_MAX_SIZE, "\x05\xdc", 2);
	send_message();
	expect_reply(OFFER, GUEST);
	ck_assert_uint_le(reply.len, 1472);
	n = dhcp_options_get(&options, DHCP_SEARCH, buf, sizeof(buf));
	ck_assert_int_gt(n, 255);
	ck_assert_mem_eq(buf,
			 "\xc"
			 "department-0\7example\3com",
			 26);

	/* Less than anybody may say. */
	begin_message(DISCOVER);
	put_option(DHCP_MAX_SIZE, "\x00\x40", 2);
	send_message();
	expect_reply(OFFER, GUEST);
	expect_u32(DHCP_DNS, 0x0a000203);
}
END_TEST

/* Options go on in "file" and "sname" (option 52), and may be split. */
START_TEST(overloaded_fields)
{
	static const uint8_t both = 3;
	static const uint8_t asked[] = {55, 1, 6, 55, 1, 3, 255};

	begin_message(REQUEST);
	put_option(DHCP_OVERLOAD, &both, 1);
	/* "file": the address; "sname": what is asked for, in two parts. */
	message[108] = 0;
	message[109] = DHCP_REQUESTED;
	message[110] = 4;
	store_be32(message + 111, GUEST);
	message[115] = 255;
	memcpy(message + 44, asked, sizeof(asked));
	send_message();
	expect_reply(ACK, GUEST);
	ck_assert_str_eq(codes(), "53 54 51 58 59 1 6 3 28 26 ");
}
END_TEST

START_TEST(client_identifier_in_every_reply)
{
	begin_message(DISCOVER);
	put_option(DHCP_CLIENT, "\0abc", 4);
	send_message();
	expect_reply(OFFER, GUEST);
	expect_bytes(DHCP_CLIENT, "\0abc", 4);
	begin_message(REQUEST);
	put_option(DHCP_CLIENT, "\0abc", 4);
	put_address(DHCP_REQUESTED, 0x0a000299);
	send_message();
	expect_reply(NAK, 0);
	expect_bytes(DHCP_CLIENT, "\0abc", 4);
	begin_message(DISCOVER);
	send_message();
	expect_reply(OFFER, GUEST);
	ck_assert(!has(DHCP_CLIENT));
}
END_TEST

/* The client is behind another station of the guest's: that would not pass on
 * what is sent to an address that is not its own. */
START_TEST(client_is_not_the_station)
{
	begin_message(DISCOVER);
	message[28 + 5]++;
	send_message();
	expect_reply(OFFER, GUEST);
	expect_to("255.255.255.255", true);
}
END_TEST

/* ---- What is no request ---- */

START_TEST(not_for_us)
{
	static const struct {
		size_t at;
		uint8_t value;
	} rows[] = {
		{0, 2},				/* a reply */
		{0, 0},	     {1, 6},		/* hardware */
		{2, 16},     {2, 0},   {27, 1}, /* from a relay */
		{236, 0x64}, {239, 0},		/* cookie */
		{28, 0xff},			/* a client that is a group */
		{242, 0},    {242, 2}, {242, 5}, {242, 6}, {242, 9}, {242, 255},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		begin_message(DISCOVER);
		message[rows[i].at] = rows[i].value;
		send_message();
		ck_assert_msg(s.n_frames == 0, "%zu", i);
	}
	begin_message(DISCOVER);
	send_message();
	expect_reply(OFFER, GUEST);
}
END_TEST

/* Cut off anywhere: silence, or an answer to what is left. */
START_TEST(cut_off_anywhere)
{
	for (size_t len = 0; len < 240; len++) {
		begin_message(DISCOVER);
		send_bytes(len);
		ck_assert_uint_eq(s.n_frames, 0);
	}
	begin_message(DISCOVER);
	put_address(DHCP_REQUESTED, GUEST);
	for (size_t len = 244; len < message_len; len++) {
		send_bytes(len);
		ck_assert_uint_eq(s.n_frames, 0);
	}
	/* Without an end, as some send it. */
	send_bytes(message_len);
	expect_reply(OFFER, GUEST);
}
END_TEST

START_TEST(options_that_lie)
{
	static const uint8_t four = 4, zero = 0, file = 1;

	/* Longer than the message. */
	begin_message(DISCOVER);
	message[message_len++] = DHCP_HOSTNAME;
	message[message_len++] = 200;
	send_bytes(message_len + 10);
	local_expect_nothing(&s);
	/* Addresses and a type of other lengths. */
	begin_message(REQUEST);
	put_option(DHCP_REQUESTED, "\x0a\x00\x02", 3);
	send_message();
	local_expect_nothing(&s);
	begin_message(REQUEST);
	put_option(DHCP_SERVER, "\x0a\x00\x02\x02\x02", 5);
	put_address(DHCP_REQUESTED, GUEST);
	send_message();
	local_expect_nothing(&s);
	begin_message(BOOTP);
	put_option(DHCP_TYPE, "\1\1", 2);
	send_message();
	local_expect_nothing(&s);
	/* Overloads that there are not, and one into rubbish. */
	begin_message(DISCOVER);
	put_option(DHCP_OVERLOAD, &four, 1);
	send_message();
	local_expect_nothing(&s);
	begin_message(DISCOVER);
	put_option(DHCP_OVERLOAD, &zero, 1);
	send_message();
	local_expect_nothing(&s);
	begin_message(DISCOVER);
	put_option(DHCP_OVERLOAD, &file, 1);
	message[235] = 12;
	send_message();
	local_expect_nothing(&s);
	/* A list of parameters and an identifier without end. */
	begin_message(DISCOVER);
	for (int i = 0; i < 4; i++) {
		uint8_t many[255];

		memset(many, DHCP_DNS, sizeof(many));
		put_option(DHCP_PARAMETERS, many, sizeof(many));
	}
	send_message();
	expect_reply(OFFER, GUEST);
	ck_assert_str_eq(codes(), "53 54 51 58 59 1 6 3 28 26 ");
}
END_TEST

START_TEST(no_answer_when_the_network_is_off)
{
	begin_message(DISCOVER);
	s.config.ipv4 = false;
	send_message();
	local_expect_nothing(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("csm_dhcp");
	TCase *tc = tcase_create("dhcp");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, udhcpc);
	tcase_add_test(tc, dhclient);
	tcase_add_test(tc, networkd);
	tcase_add_test(tc, kernel_ipconfig);
	tcase_add_test(tc, kernel_bootp);
	tcase_add_test(tc, selecting);
	tcase_add_test(tc, init_reboot);
	tcase_add_test(tc, renewing_and_rebinding);
	tcase_add_test(tc, decline_and_release);
	tcase_add_test(tc, inform);
	tcase_add_test(tc, names_and_mtu);
	tcase_add_test(tc, order_of_parameters);
	tcase_add_test(tc, room_of_the_client);
	tcase_add_test(tc, overloaded_fields);
	tcase_add_test(tc, client_identifier_in_every_reply);
	tcase_add_test(tc, client_is_not_the_station);
	tcase_add_test(tc, not_for_us);
	tcase_add_test(tc, cut_off_anywhere);
	tcase_add_test(tc, options_that_lie);
	tcase_add_test(tc, no_answer_when_the_network_is_off);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
