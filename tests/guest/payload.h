/* SPDX-License-Identifier: MIT */
/*
 * The payload's common ground: the console, the command line and the end.
 * Everything runs on one processor in ring 3 with guest-physical addresses
 * equal to pointers.
 */
#ifndef TESTS_GUEST_PAYLOAD_H
#define TESTS_GUEST_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Serial port at 0x3f8; the other end never makes a writer wait. */
void console_text(const char *text);
void console_number(uint64_t value);
void console_hex(uint64_t value);

/* The value of "NAME=VALUE" on the command line, or NULL. */
const char *option_text(const char *name);
/* The same as a decimal or 0x number, or @fallback if it is absent. */
uint64_t option_number(const char *name, uint64_t fallback);
/* Whether the option is there and equal to @value. */
bool option_is(const char *name, const char *value);

/* ACPI S5, or a triple fault on a machine without ACPI. */
_Noreturn void payload_power_off(void);
/* Say "FAIL: why" and power off. */
_Noreturn void payload_fail(const char *why);

/* Memory behind the image, in whole pages, not cleared. What is large comes from
 * here: the loader would have to touch it if it were part of the image. */
void *payload_pages(size_t size);

/* Run @done(arg) until it is true; fail with @what after a few seconds. */
typedef bool (*payload_done_fn)(void *arg);
void payload_wait(payload_done_fn done, void *arg, const char *what);

/* What each "mode=" does; they return when all went well. */
_Noreturn void mode_wait(void);
_Noreturn void mode_reset(void);
void mode_smoke(void);
void mode_kick(void);
void mode_doorbell(void);

#endif
