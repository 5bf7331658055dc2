/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BASE_UTIL_H
#define EVNIC_BASE_UTIL_H

/*
 * Small things that every folder needs and the C library lacks.
 */

#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)     ((a) < (b) ? (a) : (b))
#define MAX(a, b)     ((a) > (b) ? (a) : (b))

/* The object that embeds @ptr as its member @member. */
#define container_of(ptr, type, member) \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define container_of_const(ptr, type, member)                            \
	((const type *)(const void *)((const char *)(ptr)-offsetof(type, \
								   member)))

#define MUST_CHECK	  __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define UNUSED(x)	  ((void)(x))

/* Close *@fd if it is open (>= 0) and set it to -1. Keeps errno. */
void close_fd(int *fd);

/* "Device or resource busy (EBUSY)" for a positive errno value @err, written
 * to @buf (at most @size bytes, always terminated). Returns @buf. */
const char *errno_text(int err, char *buf, size_t size);

#define ERRNO_TEXT_MAX 128

#endif
