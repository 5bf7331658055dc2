/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_CONFIG_H
#define EVNIC_MACHINE_CONFIG_H

/*
 * The typed form of a machine description. The names are the description's; what
 * they mean stands in keys.c, next to their ranges and defaults.
 *
 * Strings are borrowed from the description. An integer without a default that
 * was left out is CONFIG_ABSENT, a string is NULL.
 */

#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_ABSENT	    (-1)
#define CONFIG_MAX_NICS	    16
#define CONFIG_MAX_BACKENDS 16

/* Queue pairs of a NIC. */
#define CONFIG_MAX_QUEUE_PAIRS 16

enum config_huge_pages {
	CONFIG_HUGE_NONE,
	CONFIG_HUGE_2M,
};

enum config_transport {
	CONFIG_PCI,
	CONFIG_MMIO,
};

enum config_on_reset {
	CONFIG_RESET_EXIT,
	CONFIG_RESET_RESTART,
};

enum config_serial {
	CONFIG_SERIAL_STDIO,
	CONFIG_SERIAL_FILE,
	CONFIG_SERIAL_NONE,
};

enum config_level {
	CONFIG_LEVEL_OFF,
	CONFIG_LEVEL_ERROR,
	CONFIG_LEVEL_WARN,
	CONFIG_LEVEL_WARNING, /* Firecracker's older word */
	CONFIG_LEVEL_INFO,
	CONFIG_LEVEL_DEBUG,
	CONFIG_LEVEL_TRACE, /* as debug */
};

enum config_seccomp {
	CONFIG_SECCOMP_ON,
	CONFIG_SECCOMP_LOG,
	CONFIG_SECCOMP_OFF,
};

/* Most directories of captures. */
#define CONFIG_MAX_CAPTURES 16

/* A list of strings; empty if any of them was wrong. @items: the description's.
 */
struct config_strings {
	const char *const *items;
	size_t n;
};

struct config_mac {
	bool given;
	uint8_t bytes[6];
};

struct boot_source {
	const char *kernel_image_path;
	const char *initrd_path;
	const char *boot_args;
};

struct machine_shape {
	int64_t vcpu_count;
	int64_t mem_size_mib;
	int huge_pages; /* enum config_huge_pages */
	bool prefault;
	int transport; /* enum config_transport */
	int on_reset;  /* enum config_on_reset */
};

struct serial_config {
	int type; /* enum config_serial */
	const char *path;
};

struct logger_config {
	const char *log_path; /* NULL: standard error */
	int level;	      /* enum config_level */
	bool show_level;
	bool show_log_origin;
};

/* @uid, @gid: CONFIG_ABSENT: the user's. @sockets: the machine may make sockets
 * of its own; true if it has a backend that needs them. @taps, @captures:
 * patterns of what the running machine may open besides what the description
 * names. */
struct sandbox_keys {
	int seccomp; /* enum config_seccomp */
	int64_t uid, gid;
	bool require_sandbox;
	bool sockets;
	struct config_strings taps;
	struct config_strings captures;
};

/* A token bucket; @size is CONFIG_ABSENT or 0: none. */
struct config_bucket {
	int64_t size;
	int64_t one_time_burst;
	int64_t refill_time;
};

struct config_limiter {
	struct config_bucket bandwidth;
	struct config_bucket ops;
};

/* Keys of a backend of type "consomme", as text; machine/consomme_setup.h reads
 * them. */
struct consomme_keys {
	const char *network, *gateway, *dns, *guest;
	const char *network6, *gateway6, *dns6;
	bool ipv4, ipv6;
	bool restricted;
	bool copy_ring;
	int64_t mtu;
	int64_t max_tcp, max_udp;
	const char *hostname, *domain;
	struct config_strings search, dns_servers, records;
	struct config_strings hostfwd, host_loopback, allow, deny;
};

/* @type: index into the table of endpoint kinds. @queue_pairs: most that will be
 * asked for; the NIC's, if it was left out and there is one. */
struct backend_config {
	const char *id;
	int type;
	const char *host_dev_name;
	int64_t fd;
	bool create;
	int64_t queue_pairs;
	struct consomme_keys consomme;
};

/* @model: index into the table of frontend kinds. @endpoint: index into the
 * machine's backends, made from @backend or @host_dev_name. */
struct nic_config {
	const char *iface_id;
	struct config_mac guest_mac;
	int model;
	const char *backend;
	const char *host_dev_name;
	int64_t mtu;
	int64_t queue_size;
	int64_t queue_pairs;
	int64_t busy_poll_us;
	struct config_limiter rx_rate_limiter, tx_rate_limiter;
	size_t endpoint;
};

/* @backends: those of the description, then the anonymous ones of NICs that
 * only name a TAP interface. */
struct machine_config {
	const char *id;
	struct boot_source boot;
	struct machine_shape shape;
	struct serial_config serial;
	struct logger_config logger;
	struct sandbox_keys sandbox;
	int64_t iothreads;
	const char *control_socket;
	const char *metrics_socket;
	struct nic_config nics[CONFIG_MAX_NICS];
	size_t n_nics;
	struct backend_config backends[CONFIG_MAX_BACKENDS + CONFIG_MAX_NICS];
	size_t n_backends;
};

#endif
