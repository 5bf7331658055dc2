/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_TAP_HOST_H
#define EVNIC_TESTS_TAP_HOST_H

/*
 * The host's side of a tap: taps in a network namespace of the test's own, and
 * a packet socket that sends to and receives from one. Failures end the program
 * with a message, except for tap_host_enter().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Ethernet's type for experiments: nothing else in the namespace uses it. */
#define TAP_HOST_ETHERTYPE 0x88b5

/* The virtio-net header in front of a frame of tap_host_socket(). */
#define TAP_HOST_HDR_LEN 10

/* Puts the process into new network, mount and (without root) user namespaces,
 * with a /sys that shows them. NULL, or why that or taps are not to be had. */
const char *tap_host_enter(void);

/* Makes a tap that stays until it is deleted. @flags: IFF_TAP and what else
 * TUNSETIFF takes. */
void tap_host_add(const char *name, short flags);
void tap_host_delete(const char *name);
void tap_host_set_up(const char *name, bool up);
void tap_host_set_mtu(const char *name, int mtu);
bool tap_host_exists(const char *name);

/* Opens /dev/net/tun and attaches to @name. -errno if TUNSETIFF fails. */
int tap_host_open(const char *name, short flags);

/* Moves the interface to the namespace of process @pid. */
void tap_host_move(const char *name, pid_t pid);

/* Takes the right to change interfaces away from the calling thread, or gives it
 * back. */
void tap_host_set_net_admin(bool on);
/* Likewise the right to load BPF programs. */
void tap_host_set_bpf(bool on);

/* A packet socket on the interface. Every frame, both ways, has a virtio-net
 * header in front. */
int tap_host_socket(const char *name);

/* Sends header and frame. False: the interface's queue is full. */
bool tap_host_send(int fd, const void *frame, size_t len);

/* Receives a frame of TAP_HOST_ETHERTYPE that came out of the tap, with its
 * header; waits for it @timeout_ms. Returns the bytes, 0: none. */
size_t tap_host_receive(int fd, void *frame, size_t size, int timeout_ms);

/* The same. The kernel takes a VLAN tag out of the frame: it is in *@tci, -1:
 * there was none. */
size_t tap_host_receive_tagged(int fd, void *frame, size_t size, int timeout_ms,
			       int *tci);

#endif
