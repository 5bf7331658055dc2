/* SPDX-License-Identifier: MIT */
/*
 * Receive-side scaling as a BPF program (Linux, Documentation/bpf).
 *
 * It does what rss.c does, header by header; what rss.c has prepared (the steps
 * of the hash, the indirection table) is the one value of its map. The hash
 * types that are off are left out of the program.
 *
 * Registers: r6 the frame, r7 where the present header is, r8 how many bytes of
 * the frame may be looked at, r9 the present protocol, later whether there are
 * ports. A header is copied to the stack before it is read: HDR (an IP header),
 * PORTS and SCRATCH.
 *
 * There are no loops: what repeats is written out, so that any kernel's
 * verifier follows it. All jumps go forward, to a label that is bound later.
 */
#include "net/rss_bpf.h"

#include "net/rss_defs.h"

#include <assert.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define INSNS_MAX 1024 /* with every type on it takes 1003 */
#define JUMPS_MAX 96

#define ANY_IPV4 (NET_RSS_IPV4 | NET_RSS_TCPV4 | NET_RSS_UDPV4)
#define ANY_IPV6 (NET_RSS_IPV6 | NET_RSS_TCPV6 | NET_RSS_UDPV6)

/* Places on the stack. */
#define HDR	(-40)
#define PORTS	(-48)
#define SCRATCH (-56)

/* What <linux/bpf.h> leaves to its users. */
#define EMIT(p, op, dst, src, offset, value)              \
	emit(p, (struct bpf_insn){.code = (op),           \
				  .dst_reg = (dst)&0xfU,  \
				  .src_reg = (src)&0xfU,  \
				  .off = (short)(offset), \
				  .imm = (int)(value)})
#define ALU_IMM(p, op, dst, value) \
	EMIT(p, BPF_ALU64 | (op) | BPF_K, dst, 0, 0, value)
#define ALU_REG(p, op, dst, src) \
	EMIT(p, BPF_ALU64 | (op) | BPF_X, dst, src, 0, 0)
#define MOV_IMM(p, dst, value) ALU_IMM(p, BPF_MOV, dst, value)
#define MOV_REG(p, dst, src)   ALU_REG(p, BPF_MOV, dst, src)
#define TO_BE(p, dst, bits) \
	EMIT(p, BPF_ALU | BPF_END | BPF_TO_BE, dst, 0, 0, bits)
#define LOAD(p, size, dst, src, offset) \
	EMIT(p, BPF_LDX | BPF_MEM | (size), dst, src, offset, 0)

struct program {
	struct bpf_insn insns[INSNS_MAX];
	size_t n;
};

/* Jumps that wait for their target. */
struct label {
	size_t from[JUMPS_MAX];
	size_t n;
};

static void emit(struct program *p, struct bpf_insn insn)
{
	assert(p->n < INSNS_MAX);
	p->insns[p->n++] = insn;
}

/* The next instruction jumps to @to. */
static void jumps_to(const struct program *p, struct label *to)
{
	assert(to->n < JUMPS_MAX);
	to->from[to->n++] = p->n;
}

/* @op 0: always. */
static void jump_if(struct program *p, uint8_t op, uint8_t dst, uint32_t value,
		    struct label *to)
{
	jumps_to(p, to);
	EMIT(p, BPF_JMP | op | BPF_K, dst, 0, 0, value);
}

static void jump(struct program *p, struct label *to)
{
	jump_if(p, BPF_JA, 0, 0, to);
}

static void jump_if_more(struct program *p, uint8_t dst, uint8_t src,
			 struct label *to)
{
	jumps_to(p, to);
	EMIT(p, BPF_JMP | BPF_JGT | BPF_X, dst, src, 0, 0);
}

static void bind(struct program *p, struct label *label)
{
	for (size_t i = 0; i < label->n; i++)
		p->insns[label->from[i]].off =
			(short)(p->n - label->from[i] - 1);
	label->n = 0;
}

/* Copies @len bytes at r7 to @place on the stack. */
static void view(struct program *p, int place, int len, struct label *cut_off)
{
	MOV_REG(p, BPF_REG_1, BPF_REG_7);
	ALU_IMM(p, BPF_ADD, BPF_REG_1, len);
	jump_if_more(p, BPF_REG_1, BPF_REG_8, cut_off);
	MOV_REG(p, BPF_REG_1, BPF_REG_6);
	MOV_REG(p, BPF_REG_2, BPF_REG_7);
	MOV_REG(p, BPF_REG_3, BPF_REG_10);
	ALU_IMM(p, BPF_ADD, BPF_REG_3, place);
	MOV_IMM(p, BPF_REG_4, len);
	EMIT(p, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_skb_load_bytes);
	jump_if(p, BPF_JNE, BPF_REG_0, 0, cut_off);
}

/* r9 = the EtherType at r7. */
static void ethertype(struct program *p, struct label *none)
{
	view(p, SCRATCH, 2, none);
	LOAD(p, BPF_H, BPF_REG_9, BPF_REG_10, SCRATCH);
	TO_BE(p, BPF_REG_9, 16);
}

/* r9 = the EtherType behind the VLAN tags, r7 = what follows it. */
static void link_header(struct program *p, struct label *none)
{
	struct label untagged = {0}, tagged = {0};

	MOV_IMM(p, BPF_REG_7, RSS_ETHER_TYPE);
	ethertype(p, none);
	for (int i = 0; i < NET_RSS_VLAN_MAX; i++) {
		jump_if(p, BPF_JEQ, BPF_REG_9, RSS_TYPE_VLAN, &tagged);
		jump_if(p, BPF_JNE, BPF_REG_9, RSS_TYPE_QINQ, &untagged);
		bind(p, &tagged);
		ALU_IMM(p, BPF_ADD, BPF_REG_7, RSS_VLAN_TAG_LEN);
		ethertype(p, none);
	}
	bind(p, &untagged);
	ALU_IMM(p, BPF_ADD, BPF_REG_7, 2);
}

/* The version of the IP header in HDR must be @version. */
static void check_version(struct program *p, uint32_t version,
			  struct label *none)
{
	LOAD(p, BPF_B, BPF_REG_1, BPF_REG_10, HDR);
	ALU_IMM(p, BPF_RSH, BPF_REG_1, 4);
	jump_if(p, BPF_JNE, BPF_REG_1, version, none);
}

/* Adds the hash of 32 bits at @place to r0; they are word @word of the input.
 * r5 is the map's value. */
static void hash_word(struct program *p, int place, int word)
{
	size_t steps = offsetof(struct net_rss, steps);

	LOAD(p, BPF_W, BPF_REG_1, BPF_REG_10, place);
	TO_BE(p, BPF_REG_1, 32);
	for (int i = 0; i < 8; i++, steps += sizeof(uint32_t[16])) {
		MOV_REG(p, BPF_REG_2, BPF_REG_1);
		/* Four bits, times the size of a step. */
		if (i < 7)
			ALU_IMM(p, BPF_RSH, BPF_REG_2, 26 - 4 * i);
		else
			ALU_IMM(p, BPF_LSH, BPF_REG_2, 2);
		ALU_IMM(p, BPF_AND, BPF_REG_2, 15 * sizeof(uint32_t));
		ALU_REG(p, BPF_ADD, BPF_REG_2, BPF_REG_5);
		LOAD(p, BPF_W, BPF_REG_3, BPF_REG_2,
		     steps + (size_t)word * 8 * sizeof(uint32_t[16]));
		ALU_REG(p, BPF_XOR, BPF_REG_0, BPF_REG_3);
	}
}

/* Hashes @words at @place and, if r9, PORTS; returns the queue. */
static void finish(struct program *p, int map, int place, int words)
{
	struct label no_ports = {0};

	EMIT(p, BPF_LD | BPF_IMM | BPF_DW, BPF_REG_5, BPF_PSEUDO_MAP_VALUE, 0,
	     map);
	EMIT(p, 0, 0, 0, 0, 0);
	MOV_IMM(p, BPF_REG_0, 0);
	for (int i = 0; i < words; i++)
		hash_word(p, place + 4 * i, i);
	jump_if(p, BPF_JEQ, BPF_REG_9, 0, &no_ports);
	hash_word(p, PORTS, words);
	bind(p, &no_ports);
	LOAD(p, BPF_H, BPF_REG_1, BPF_REG_5,
	     offsetof(struct net_rss, table_mask));
	ALU_REG(p, BPF_AND, BPF_REG_0, BPF_REG_1);
	ALU_IMM(p, BPF_AND, BPF_REG_0, NET_RSS_TABLE_MAX - 1);
	ALU_IMM(p, BPF_LSH, BPF_REG_0, 1);
	ALU_REG(p, BPF_ADD, BPF_REG_5, BPF_REG_0);
	LOAD(p, BPF_H, BPF_REG_0, BPF_REG_5, offsetof(struct net_rss, table));
	EMIT(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* What is hashed of an IP version: @words of addresses at @place; and which of
 * its types are on. */
struct family {
	int place, words;
	bool addresses, tcp, udp;
};

/* Protocol r9 is at r7 here; at @no_transport it is of no interest. */
static void transport(struct program *p, int map, const struct family *family,
		      struct label *no_transport, struct label *none)
{
	struct label ports = {0}, hash = {0};

	if (family->tcp)
		jump_if(p, BPF_JEQ, BPF_REG_9, RSS_TCP, &ports);
	if (family->udp)
		jump_if(p, BPF_JEQ, BPF_REG_9, RSS_UDP, &ports);
	bind(p, no_transport);
	MOV_IMM(p, BPF_REG_9, 0);
	/* The verifier wants no code that nothing leads to. */
	if (family->tcp || family->udp) {
		jump(p, family->addresses ? &hash : none);
		bind(p, &ports);
		view(p, PORTS, RSS_PORTS_LEN, none);
		MOV_IMM(p, BPF_REG_9, 1);
	}
	bind(p, &hash);
	finish(p, map, family->place, family->words);
}

static void ipv4(struct program *p, int map, uint32_t types, struct label *none)
{
	const struct family family = {
		.place = HDR + RSS_IPV4_ADDRS,
		.words = 2,
		.addresses = types & NET_RSS_IPV4,
		.tcp = types & NET_RSS_TCPV4,
		.udp = types & NET_RSS_UDPV4,
	};
	struct label fragment = {0};

	view(p, HDR, RSS_IPV4_LEN, none);
	check_version(p, 4, none);
	LOAD(p, BPF_B, BPF_REG_1, BPF_REG_10, HDR);
	ALU_IMM(p, BPF_AND, BPF_REG_1, 15);
	ALU_IMM(p, BPF_LSH, BPF_REG_1, 2);
	jump_if(p, BPF_JLT, BPF_REG_1, RSS_IPV4_LEN, none);
	ALU_REG(p, BPF_ADD, BPF_REG_7, BPF_REG_1);
	jump_if_more(p, BPF_REG_7, BPF_REG_8, none);
	LOAD(p, BPF_H, BPF_REG_1, BPF_REG_10, HDR + RSS_IPV4_FRAG);
	TO_BE(p, BPF_REG_1, 16);
	jump_if(p, BPF_JSET, BPF_REG_1, RSS_IPV4_FRAG_MASK, &fragment);
	LOAD(p, BPF_B, BPF_REG_9, BPF_REG_10, HDR + RSS_IPV4_PROTO);
	transport(p, map, &family, &fragment, none);
}

/* Jumps if r9 is an extension header's protocol. */
static void jump_if_ext(struct program *p, struct label *ext)
{
	jump_if(p, BPF_JEQ, BPF_REG_9, RSS_EXT_HOP_BY_HOP, ext);
	jump_if(p, BPF_JEQ, BPF_REG_9, RSS_EXT_ROUTING, ext);
	jump_if(p, BPF_JEQ, BPF_REG_9, RSS_EXT_DEST_OPTS, ext);
	jump_if(p, BPF_JEQ, BPF_REG_9, RSS_EXT_FRAGMENT, ext);
	jump_if(p, BPF_JEQ, BPF_REG_9, RSS_EXT_AUTH, ext);
}

/* r1 = bytes of the extension header of protocol r9 in SCRATCH. */
static void ext_len(struct program *p)
{
	struct label known = {0}, auth = {0};

	MOV_IMM(p, BPF_REG_1, 8);
	jump_if(p, BPF_JEQ, BPF_REG_9, RSS_EXT_FRAGMENT, &known);
	LOAD(p, BPF_B, BPF_REG_1, BPF_REG_10, SCRATCH + 1);
	jump_if(p, BPF_JEQ, BPF_REG_9, RSS_EXT_AUTH, &auth);
	ALU_IMM(p, BPF_ADD, BPF_REG_1, 1);
	ALU_IMM(p, BPF_LSH, BPF_REG_1, 3);
	jump(p, &known);
	bind(p, &auth);
	ALU_IMM(p, BPF_ADD, BPF_REG_1, 2);
	ALU_IMM(p, BPF_LSH, BPF_REG_1, 2);
	bind(p, &known);
}

static void skip_ext(struct program *p, struct label *fragment,
		     struct label *none)
{
	struct label whole = {0};

	view(p, SCRATCH, RSS_EXT_MIN, none);
	ext_len(p);
	ALU_REG(p, BPF_ADD, BPF_REG_7, BPF_REG_1);
	jump_if_more(p, BPF_REG_7, BPF_REG_8, none);
	jump_if(p, BPF_JNE, BPF_REG_9, RSS_EXT_FRAGMENT, &whole);
	LOAD(p, BPF_H, BPF_REG_1, BPF_REG_10, SCRATCH + 2);
	TO_BE(p, BPF_REG_1, 16);
	jump_if(p, BPF_JSET, BPF_REG_1, RSS_IPV6_FRAG_MASK, fragment);
	bind(p, &whole);
	LOAD(p, BPF_B, BPF_REG_9, BPF_REG_10, SCRATCH);
}

static void ipv6(struct program *p, int map, uint32_t types, struct label *none)
{
	const struct family family = {
		.place = HDR + RSS_IPV6_ADDRS,
		.words = 8,
		.addresses = types & NET_RSS_IPV6,
		.tcp = types & NET_RSS_TCPV6,
		.udp = types & NET_RSS_UDPV6,
	};
	struct label ext = {0}, last = {0}, fragment = {0};

	view(p, HDR, RSS_IPV6_LEN, none);
	check_version(p, 6, none);
	ALU_IMM(p, BPF_ADD, BPF_REG_7, RSS_IPV6_LEN);
	LOAD(p, BPF_B, BPF_REG_9, BPF_REG_10, HDR + RSS_IPV6_NEXT);
	for (int i = 0; i < NET_RSS_EXT_MAX; i++) {
		jump_if_ext(p, &ext);
		jump(p, &last);
		bind(p, &ext);
		skip_ext(p, &fragment, none);
	}
	jump_if_ext(p, none);
	bind(p, &last);
	transport(p, map, &family, &fragment, none);
}

static void build(struct program *p, int map, const struct net_rss *rss)
{
	struct label none = {0}, not_ipv4 = {0}, whole = {0};

	MOV_REG(p, BPF_REG_6, BPF_REG_1);
	LOAD(p, BPF_W, BPF_REG_8, BPF_REG_6, offsetof(struct __sk_buff, len));
	jump_if(p, BPF_JLE, BPF_REG_8, NET_RSS_HEAD_MAX, &whole);
	MOV_IMM(p, BPF_REG_8, NET_RSS_HEAD_MAX);
	bind(p, &whole);
	link_header(p, &none);
	if (rss->types & ANY_IPV4) {
		jump_if(p, BPF_JNE, BPF_REG_9, RSS_TYPE_IPV4, &not_ipv4);
		ipv4(p, map, rss->types, &none);
		bind(p, &not_ipv4);
	}
	if (rss->types & ANY_IPV6) {
		jump_if(p, BPF_JNE, BPF_REG_9, RSS_TYPE_IPV6, &none);
		ipv6(p, map, rss->types, &none);
	}
	bind(p, &none);
	MOV_IMM(p, BPF_REG_0, rss->unclassified);
	EMIT(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static int bpf(int command, union bpf_attr *attr)
{
	long ret = syscall(SYS_bpf, command, attr, sizeof(*attr));

	return ret < 0 ? -errno : (int)ret;
}

/* An array of one value, *@rss. Returns its file descriptor. */
static int make_map(const struct net_rss *rss)
{
	static const uint32_t first;
	union bpf_attr attr;
	int map, err;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = sizeof(first);
	attr.value_size = sizeof(*rss);
	attr.max_entries = 1;
	map = bpf(BPF_MAP_CREATE, &attr);
	if (map < 0)
		return map;
	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)map;
	attr.key = (uintptr_t)&first;
	attr.value = (uintptr_t)rss;
	err = bpf(BPF_MAP_UPDATE_ELEM, &attr);
	if (err < 0) {
		close_fd(&map);
		return err;
	}
	return map;
}

static int load(const struct program *p)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
	attr.insns = (uintptr_t)p->insns;
	attr.insn_cnt = (uint32_t)p->n;
	attr.license = (uintptr_t) "MIT";
	return bpf(BPF_PROG_LOAD, &attr);
}

int net_rss_bpf_load(const struct net_rss *rss)
{
	struct program *p;
	int map, prog;

	if (rss->types &
	    (NET_RSS_IPV6_EX | NET_RSS_TCPV6_EX | NET_RSS_UDPV6_EX))
		return -ENOTSUP;
	p = calloc(1, sizeof(*p));
	map = p ? make_map(rss) : -ENOMEM;
	if (map < 0) {
		free(p);
		return map;
	}
	build(p, map, rss);
	prog = load(p);
	close_fd(&map); /* the program holds it */
	free(p);
	return prog;
}
