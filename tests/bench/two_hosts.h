/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_BENCH_TWO_HOSTS_H
#define EVNIC_TESTS_BENCH_TWO_HOSTS_H

/*
 * Two network namespaces that stand for two hosts: the host, where this process
 * is, and the guest, whose kernel has a real TCP. They are joined by a veth pair,
 * which is also what the host's default route goes over.
 *
 * TCP uses Reno in both, and there is no IPv6. Failures end the program, except
 * that of two_hosts_enter(). One thread.
 */

#include <stdbool.h>
#include <stddef.h>

/* The ends of the veth pair. */
#define TWO_HOSTS_HOST	"10.0.9.1"
#define TWO_HOSTS_GUEST "10.0.9.2"

/* Of a guest's interface that is a tap: what does not fit it drops, where a
 * driver's ring would make the sender wait. */
#define TWO_HOSTS_TX_QUEUE "100000"

/* Where programs that this process starts can open the guest's namespace. */
#define TWO_HOSTS_GUEST_PATH "/run/guest"

/* Makes both namespaces; the process is in the host's. NULL, or why not. */
const char *two_hosts_enter(void);

/* Goes to the guest's namespace, or back. */
void two_hosts_go(bool guest);

/* Writes @value to a file under /proc/sys/net in both namespaces. */
void two_hosts_set(const char *path, const char *value);

/* Runs ip(8) in the guest's namespace, or in the host's. */
void two_hosts_ip(bool guest, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A tap that is an interface of the guest: @name, with the address @addr
 * ("10.0.2.15/24"), MTU 1500 and a long queue. @vnet_hdr: frames have a
 * virtio-net header of 12 bytes and may be unfinished. Returns its descriptor,
 * which does not block. */
int two_hosts_tap(const char *name, const char *addr, bool vnet_hdr);

/* Ends the program with a message. */
_Noreturn void two_hosts_fail(const char *what);

#endif
