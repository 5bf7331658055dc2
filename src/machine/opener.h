/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_OPENER_H
#define EVNIC_MACHINE_OPENER_H

/*
 * The opener: the process that opens files for the machine, which may not.
 *
 * It is forked from the same program before the machine gives up its rights,
 * has the description, and listens on a socket pair. A request says what is
 * wanted; what the description names (kernel, sockets, the log ...) is not even
 * named in the request. Where there is a choice (a tap that is plugged in later,
 * a capture file) the name must match the description's patterns:
 * "sandbox": {"taps": [...], "captures": [...]}. Sockets that listen are for
 * machines that may have sockets ("sandbox": {"sockets": true}).
 *
 * The machine is not believed: each request is a message of fixed size, checked
 * once, and answered by file descriptors or one line for people. A capture's
 * path is a directory that a pattern names, opened at start, and one component
 * below it, which is created or is a regular file; no symbolic link is followed
 * anywhere, nothing else is opened.
 *
 * Calls here wait for the answer, as open(2) does. Thread: the control loop,
 * but for opener_rotate().
 */

#include "base/util.h"
#include "machine/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct consomme_forward;
struct opener;
struct net_rss;

#define OPENER_ERROR_MAX 512
struct opener_error {
	char text[OPENER_ERROR_MAX];
};

/* Things that the description names. */
enum opener_thing {
	OPENER_KVM, /* /dev/kvm */
	OPENER_KERNEL,
	OPENER_INITRD,
	OPENER_SERIAL,	    /* the file of a serial port of type "file" */
	OPENER_CONSOLE_IN,  /* by opener_console_in() */
	OPENER_CONSOLE_OUT, /* standard output, non-blocking */
	OPENER_CONTROL,	    /* the control socket, which listens */
	OPENER_METRICS,	    /* the metrics socket, which listens */
	OPENER_LOG,	    /* the log file, opened anew */
	OPENER_THINGS,
};

/* The file descriptor, close-on-exec, or -errno with @error: one line. */
int opener_open(struct opener *opener, enum opener_thing thing,
		struct opener_error *error) MUST_CHECK;

/* Standard input, non-blocking, or -errno: it may not be read. @is_terminal: it
 * is one, and is put into raw mode by opener_ready(). */
int opener_console_in(struct opener *opener, bool *is_terminal) MUST_CHECK;

/* An open tap: what backends/tap.h takes. @fds: room for @config->queue_pairs.
 * @link_fd: a netlink socket of the tap's network namespace, or -1. 0, or
 * -errno with @error: -EACCES: no pattern allows it. */
int opener_tap(struct opener *opener, const struct backend_config *config,
	       int *fds, size_t *n_fds, int *link_fd,
	       struct opener_error *error) MUST_CHECK;

/* A netlink socket of the opener's network namespace, for a tap that somebody has
 * passed. The file descriptor, or -errno. */
int opener_link(struct opener *opener) MUST_CHECK;

/* A BPF program that steers by @rss, built and loaded by the opener from those
 * parameters. The file descriptor, or -errno. */
int opener_steering(struct opener *opener,
		    const struct net_rss *rss) MUST_CHECK;

/* A socket for port @i of @forward, close-on-exec and non-blocking: bound, and
 * listening if it is TCP. The description's forwards are allowed, and others from
 * port 1024 on. The file descriptor, or -errno with @error. */
int opener_listen(struct opener *opener, const struct consomme_forward *forward,
		  uint16_t i, struct opener_error *error) MUST_CHECK;

/* /etc/resolv.conf, to read: the file descriptor, or -errno, of which -ENOENT is
 * usual. *@watch: becomes readable when asking again may tell something else (an
 * inotify descriptor, not to be read); -1: nobody will say. */
int opener_resolv_conf(struct opener *opener, int *watch) MUST_CHECK;

/* A capture file, made or emptied. @files: how many generations are kept
 * (capture_config.rotate_files); more than 0: *@rotator is what opener_rotate()
 * takes, otherwise -1. The file descriptor, or -errno with @error. */
int opener_capture(struct opener *opener, const char *path, unsigned int files,
		   int *rotator, struct opener_error *error) MUST_CHECK;

/* Renames the capture's files by one and opens the next: the file descriptor,
 * or -errno. Any thread, one at a time for a rotator. */
int opener_rotate(int rotator) MUST_CHECK;

/* The machine runs: whoever waits for that is told (--ready-fd, sd_notify). */
void opener_ready(struct opener *opener);

/* Readable when the opener has gone: the machine is to end. */
int opener_fd(const struct opener *opener);

#endif
