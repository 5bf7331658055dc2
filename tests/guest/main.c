/* SPDX-License-Identifier: MIT */
/*
 * The payload: a guest of a few kilobytes that drives virtio-net by polling.
 * What it does is the word after "mode=" on its command line:
 *
 *	boot	power off at once; the newline of entry.S was the point
 *	wait	run the NIC and stay; the host ends it
 *	reset	run the NIC and reset the machine
 *	smoke	send frames, get them back, compare every byte
 *	kick	time kicks of the transmit queue until the used ring moves
 *	doorbell time writes to a bare doorbell until a memory word moves
 *
 * But for boot, wait and reset, a run ends in a line that starts with PASS or
 * FAIL and in the machine powered off.
 */
#include "payload.h"

#include "acpi.h"
#include "cpu.h"

#define COM1_DATA	 0x3f8
#define SLEEP_ENABLE	 0x20
#define SLEEP_TYPE_SHIFT 2
#define WAIT_CYCLES	 10000000000ULL
#define PAGE		 4096

/* Xen's struct hvm_start_info, as far as it is used. */
struct start_info {
	uint32_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t modules;
	uint64_t modlist_paddr;
	uint64_t cmdline_paddr;
	uint64_t rsdp_paddr;
};

void payload_main(const struct start_info *info);

extern uint8_t image_end[]; /* payload.ld */

static const char *cmdline = "";

void console_text(const char *text)
{
	for (; *text; text++)
		cpu_out8(COM1_DATA, (uint8_t)*text);
}

static void console_base(uint64_t value, unsigned int base)
{
	char digits[24];
	char *p = digits + sizeof(digits);

	*--p = '\0';
	do {
		*--p = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	console_text(p);
}

void console_number(uint64_t value)
{
	console_base(value, 10);
}

void console_hex(uint64_t value)
{
	console_base(value, 16);
}

const char *option_text(const char *name)
{
	size_t len = __builtin_strlen(name);

	for (const char *p = cmdline; *p; p++) {
		if ((p == cmdline || p[-1] == ' ') &&
		    __builtin_memcmp(p, name, len) == 0 && p[len] == '=')
			return p + len + 1;
	}
	return NULL;
}

bool option_is(const char *name, const char *value)
{
	const char *text = option_text(name);
	size_t len = __builtin_strlen(value);

	return text && __builtin_memcmp(text, value, len) == 0 &&
	       (text[len] == ' ' || text[len] == '\0');
}

static unsigned int digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned int)(c - 'a') + 10;
	return 16;
}

uint64_t option_number(const char *name, uint64_t fallback)
{
	const char *text = option_text(name);
	unsigned int base = 10;
	uint64_t value = 0;

	if (!text)
		return fallback;
	if (text[0] == '0' && text[1] == 'x') {
		text += 2;
		base = 16;
	}
	for (; digit(*text) < base; text++)
		value = value * base + digit(*text);
	return value;
}

_Noreturn void payload_power_off(void)
{
	if (acpi_info.sleep_port)
		cpu_out8(acpi_info.sleep_port,
			 (uint8_t)(acpi_info.sleep_type << SLEEP_TYPE_SHIFT |
				   SLEEP_ENABLE));
	cpu_triple_fault();
}

_Noreturn void payload_fail(const char *why)
{
	console_text("FAIL: ");
	console_text(why);
	console_text("\n");
	payload_power_off();
}

void *payload_pages(size_t size)
{
	static size_t used;
	void *pages = image_end + used;

	used += (size + PAGE - 1) / PAGE * PAGE;
	return pages;
}

void payload_wait(payload_done_fn done, void *arg, const char *what)
{
	uint64_t start = cpu_cycles();

	while (!done(arg)) {
		if (cpu_cycles() - start > WAIT_CYCLES)
			payload_fail(what);
		cpu_relax();
	}
}

void payload_main(const struct start_info *info)
{
	if (info->cmdline_paddr)
		cmdline = (const char *)info->cmdline_paddr;
	acpi_read(info->rsdp_paddr);
	if (option_is("mode", "smoke"))
		mode_smoke();
	else if (option_is("mode", "wait"))
		mode_wait();
	else if (option_is("mode", "reset"))
		mode_reset();
	else if (option_is("mode", "kick"))
		mode_kick();
	else if (option_is("mode", "doorbell"))
		mode_doorbell();
	else if (!option_is("mode", "boot"))
		payload_fail("no such mode=");
	payload_power_off();
}
