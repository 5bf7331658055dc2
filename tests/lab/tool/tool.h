/* SPDX-License-Identifier: MIT */
#ifndef LAB_TOOL_H
#define LAB_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/*
 * lab-tool: what the lab needs on both sides and neither busybox nor Debian's
 * base system has. Each verb is one function that takes the arguments after
 * the verb and returns the process's exit status: 0 yes, 1 no or failed.
 */
int lab_wait_line(char **argv);
int lab_wait_exit(char **argv);
int lab_wait_link(char **argv);
int lab_wait_nic(char **argv);
int lab_wait_global6(char **argv);
int lab_sniff(char **argv);
int lab_serve(char **argv);
int lab_tcp_send(char **argv);
int lab_tcp_recv(char **argv);
int lab_tcp_pass(char **argv);
int lab_udp(char **argv);
int lab_dns(char **argv);
int lab_offload(char **argv);
int lab_feature(char **argv);
int lab_channels(char **argv);
int lab_rss(char **argv);
int lab_terminal(char **argv);
int lab_tap(char **argv);
int lab_tsc_khz(char **argv);
int lab_small_pages(char **argv);
int lab_as(char **argv);

/* Print "lab-tool: WHAT: cause" for errno and return 1. */
int lab_fail(const char *what);

/* A decimal argument, or the end of the process with a message. */
uint64_t lab_number(const char *text, uint64_t max);

/* Milliseconds from now until @deadline (of lab_clock_ms), at least 0. */
int lab_left_ms(uint64_t deadline);

/* CLOCK_MONOTONIC in milliseconds. */
uint64_t lab_clock_ms(void);

/*
 * Go on in the background: the parent prints the child's pid and exits, the
 * child returns with no tie to the terminal or to the caller's pipes. What the
 * caller set up before (sockets, files) is in place when the parent has ended.
 * Returns 0 or -errno.
 */
int lab_background(void);

/* An address of either IP version, with its port. */
struct lab_addr {
	struct sockaddr_storage storage;
	socklen_t len;
};

/* Read ADDRESS and PORT; false with errno when it is no address. */
bool lab_addr_parse(const char *text, const char *port, struct lab_addr *out);

/* A socket for @addr, or -1 with errno. */
int lab_addr_socket(const struct lab_addr *addr, int type);

/* A socket bound to @addr, listening if it is a stream; -errno with errno. */
int lab_addr_server(const struct lab_addr *addr, int type);

/* The same on every address of both versions. */
int lab_addr_server_any(const char *port, int type);

/* UDP bursts and TCP streams share this pattern, so that both check content. */
void lab_pattern_fill(unsigned char *to, size_t len, uint64_t offset);
bool lab_pattern_check(const unsigned char *from, size_t len, uint64_t offset);

/* One datagram of a burst: the header, then the pattern from offset 0. */
struct lab_burst_header {
	uint32_t round; /* which request this belongs to */
	uint32_t index; /* place in the burst */
	uint32_t count; /* datagrams in the burst */
	uint32_t gso;	/* answer in one send with UDP_SEGMENT */
};

/* Answer one datagram on @sock (serve's side). */
void lab_udp_answer(int sock);

#endif
