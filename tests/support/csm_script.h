/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_SUPPORT_CSM_SCRIPT_H
#define EVNIC_TESTS_SUPPORT_CSM_SCRIPT_H

/*
 * Exchanges of segments in a few lines: a stack of consomme's between a guest
 * that sends what it is told and a host that a test plays (csm_fake_host.h).
 *
 *	script_begin(&s, SCRIPT_RING);
 *	script_tcp(&s, &c, 80);
 *	script_send(&c, "S win=65535 mss=1460 ws=7");
 *	script_expect(&c, "S. seq=0 ack=1 win>=65535 mss=1460 ws=8");
 *	script_send(&c, ". len=100");
 *	script_expect(&c, ". ack=101");
 *	script_host_got(&c, 100);
 *	script_end(&s);
 *
 * A segment is flags (S F R P U, "." for ACK) and fields name=value. Numbers
 * are relative: 0 is the SYN, 1 the first byte. Windows are in bytes. What a
 * field means, and what it is if it is not there when sending:
 *
 *	seq	the guest's next (c->snd)
 *	ack	all that has been expected so far (c->rcv); none without "."
 *	win	c->win; len 0; mss, ws, urg: none
 *	gso	size of the pieces, if the segment is to be cut; 0
 *	bad	1: the checksum is wrong; 0
 *	pad	bytes behind the packet, which belong to nothing; 0
 *
 * When expecting, a field that is not named may be anything; =, !=, <, <=, >,
 * >= compare. P is not compared. The payload is always checked: byte k of each
 * direction is script_byte(k, ...). So are checksums, lengths and addresses.
 *
 * What is expected must be the next TCP frame; other frames are passed over.
 * What the stack has to say is collected whenever something has happened to it;
 * nothing of time happens but in script_wait(), and 3 ms where a segment is
 * expected that is not there: an acknowledgement may wait a little.
 */

#include "backends/consomme/stack.h"
#include "backends/consomme/tcp.h"
#include "support/csm_fake_host.h"
#include "support/csm_impair.h"
#include "support/net_bufs.h"

enum {
	SCRIPT_RING = 1 << 0,	/* no SO_PEEK_OFF */
	SCRIPT_V6 = 1 << 1,	/* connections are IPv6 */
	SCRIPT_NO_GSO = 1 << 2, /* the guest takes no large frames */
	SCRIPT_MODES = 1 << 3,
};

#define SCRIPT_BUFS    512
#define SCRIPT_BURST   256
#define SCRIPT_BUF_LEN 2060
#define SCRIPT_MS      UINT64_C(1000000)
#define SCRIPT_SEC     UINT64_C(1000000000)

/* A frame that the guest got. @at: when. Its checksum has been finished. */
struct script_frame {
	struct list node;
	uint64_t at;
	struct net_rx_meta meta;
	size_t len;
	uint8_t bytes[];
};

/* @real: before script_start(): the stack's host instead of the fake one, whose
 * clock has to be set to the real one's time before anything is done.
 * @to_stack, @to_guest: if there is one, frames go over it, and take their time.
 * @burst: frames on their way in. @hold: received buffers are not given back (the
 * guest has none left in the end). @n_bufs: that the guest has, SCRIPT_BUFS.
 * @split: frames are sent in pieces of so many bytes; 0: one. @n_frames: that
 * wait. @others: frames that script_expect() has passed over. @real: the host, if
 * it is not the fake one. */
struct script {
	struct fake_host host;
	struct csm_host *real;
	struct consomme_config config;
	struct csm_stack *stack;
	unsigned int mode;
	struct net_rx_offloads offloads;
	struct net_bufs bufs;
	struct net_rx_fifo fifo;
	struct net_queue queue;
	struct csm_out *out;
	bool hold;
	size_t split;
	uint32_t n_bufs;
	uint8_t mac[6];
	struct csm_addr guest4, guest6, far4, far6;
	uint16_t next_port;
	struct list frames, others;
	size_t n_frames;
	uint8_t *scratch;
	struct csm_impair *to_stack, *to_guest;
	void *burst[SCRIPT_BURST];
	size_t n_burst;
};

/* A connection as its guest sees it. @iss, @irs: where both sides began, @snd,
 * @rcv: relative, the next. @ws: what the guest's windows are shifted by,
 * @peer_ws: the stack's. @sock: the host's socket, once it is known. @taken,
 * @given: bytes of the host's end so far. */
struct script_tcp {
	struct script *s;
	struct csm_addr guest, far;
	uint16_t guest_port, far_port;
	uint32_t iss, irs;
	bool irs_known;
	uint32_t snd, rcv;
	uint32_t win;
	uint8_t ws, peer_ws;
	uint16_t mss;
	struct fake_sock *sock;
	uint64_t taken, given;
};

/* Before script_begin() returns the stack exists; with script_prepare() and
 * script_start() instead, s->config and s->host may be changed in between. */
void script_prepare(struct script *s, unsigned int mode);
void script_start(struct script *s);
void script_begin(struct script *s, unsigned int mode);

/* Destroys the stack: the test fails if a socket is left open, or something was
 * done that must not be. */
void script_end(struct script *s);

/* Ends the burst of frames that were sent, if there is one, and gives the stack
 * its turn until it has nothing more to do now. */
void script_run(struct script *s);

/* Lets time go by; what is due happens at its own time. */
void script_wait(struct script *s, uint64_t ns);

/* Ends s->hold: all buffers are the stack's again. */
void script_give_back(struct script *s);

/* Sends a whole frame of the guest's; the burst ends with script_run(). */
void script_send_frame(struct script *s, const struct net_offload *offload,
		       const void *frame, size_t len);

/* The next frame, taken off (the caller frees it); NULL: none. */
struct script_frame *script_take_frame(struct script *s);

/* When something happens next by itself; UINT64_MAX: never. */
uint64_t script_next(const struct script *s);

/* There is no frame of TCP. */
#define script_expect_nothing(s) script_expect_nothing_at(__FILE__, __LINE__, s)
void script_expect_nothing_at(const char *file, int line, struct script *s);

/* Throws all frames away that are there. */
void script_forget(struct script *s);

uint8_t script_byte(uint64_t k, bool from_host);

/* Begins a connection to @far_port: by name only, nothing is sent. */
void script_tcp(struct script *s, struct script_tcp *c, uint16_t far_port);

/* Sends a segment, and gives the stack its turn. With "+" at its beginning it is
 * one of a burst that goes on. */
#define script_send(c, ...) script_send_at(__FILE__, __LINE__, c, __VA_ARGS__)
void script_send_at(const char *file, int line, struct script_tcp *c,
		    const char *format, ...) PRINTF_LIKE(4, 5);

/* The next TCP frame is this. Returns the bytes of its payload. */
#define script_expect(c, ...) \
	script_expect_at(__FILE__, __LINE__, c, __VA_ARGS__)
size_t script_expect_at(const char *file, int line, struct script_tcp *c,
			const char *format, ...) PRINTF_LIKE(4, 5);

/* A segment that came: relative numbers, the window in bytes. */
struct script_segment {
	uint8_t flags;
	uint32_t seq, ack, win, len;
};

/* For a guest that is a program: the next TCP frame. 1; 0: there is none; -1: it
 * is damaged, and thrown away. The payload is checked. */
int script_receive(struct script_tcp *c, struct script_segment *out);

/* Takes all frames that wait, which must be data, FINs and ACKs of @c; c->rcv
 * goes on to the end of what came in order. Returns the bytes of payload that
 * were new. */
#define script_collect(c) script_collect_at(__FILE__, __LINE__, c)
size_t script_collect_at(const char *file, int line, struct script_tcp *c);

/* The whole handshake; the host accepts at once. Options as Linux has them. */
#define script_open(c) script_open_at(__FILE__, __LINE__, c)
void script_open_at(const char *file, int line, struct script_tcp *c);

/* The host's end has received exactly @n more bytes, the right ones; it takes
 * them. */
#define script_host_got(c, n) script_host_got_at(__FILE__, __LINE__, c, n)
void script_host_got_at(const char *file, int line, struct script_tcp *c,
			size_t n);

/* The same, but there may be more, or less: at most @n; how many. */
size_t script_host_takes(struct script_tcp *c, size_t n);

/* The host's end sends @n more bytes; or its FIN; or a reset. */
void script_host_send(struct script_tcp *c, size_t n);
void script_host_fin(struct script_tcp *c);
void script_host_reset(struct script_tcp *c);

/* Moves the clock so that the stack's next SYN for @c has a number a little
 * below @target. */
void script_isn_near(struct script_tcp *c, uint32_t target);

#endif
