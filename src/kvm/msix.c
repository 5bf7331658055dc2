/* SPDX-License-Identifier: MIT */
/*
 * MSI-X.
 *
 * While a vector may fire (MSI-X enabled, nothing masked), its eventfd is bound
 * to its GSI in KVM, and interrupts never come here. Otherwise it is not bound,
 * and an event stays in the eventfd: that is the pending bit. Binding it again
 * delivers what is pending, which is what unmasking has to do.
 *
 * Events from before MSI-X was enabled are no messages and are dropped.
 *
 * Source: PCI 3.0, 6.8.2.
 */
#include "kvm/msix.h"

#include "base/irq.h"
#include "base/log.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define ENTRY_SIZE   16U
#define ENTRY_WORDS  4U
#define CONTROL_WORD 3U
#define VECTOR_MASK  1U
#define MIN_HALF     4096U

struct msix_vector {
	uint32_t words[ENTRY_WORDS]; /* address low, high, data, control */
	int fd;
	bool bound;
	unsigned int vcpu; /* that was told last */
};

/* The address of a message: bits 19:12 are the destination, bit 2 says that
 * they are a set of CPUs (Intel SDM 3, 11.11.1). */
#define ADDRESS_DESTINATION 0xff
#define ADDRESS_SHIFT	    12
#define ADDRESS_LOGICAL	    0x4U
#define NO_VCPU		    UINT_MAX

static uint64_t power_of_two_from(uint64_t n)
{
	uint64_t p = MIN_HALF;

	while (p < n)
		p *= 2;
	return p;
}

static void power_on(struct msix *msix)
{
	msix->enabled = false;
	msix->all_masked = false;
	for (unsigned int i = 0; i < msix->n; i++) {
		struct msix_vector *v = &msix->vectors[i];

		memset(v->words, 0, sizeof(v->words));
		v->words[CONTROL_WORD] = VECTOR_MASK;
		v->bound = false;
		v->vcpu = NO_VCPU;
	}
}

int msix_init(struct msix *msix, struct irqchip *chip, const char *name,
	      unsigned int n)
{
	int gsi, err = 0;

	memset(msix, 0, sizeof(*msix));
	msix->chip = chip;
	msix->name = name;
	msix->bar_size = 2 * power_of_two_from((uint64_t)n * ENTRY_SIZE);
	msix->vectors = calloc(n, sizeof(msix->vectors[0]));
	if (!msix->vectors)
		return -ENOMEM;
	gsi = irqchip_take(chip, n);
	if (gsi < 0) {
		msix_fini(msix);
		return gsi;
	}
	msix->first_gsi = (unsigned int)gsi;
	for (; msix->n < n && !err; msix->n++) {
		msix->vectors[msix->n].fd = eventfd_create();
		err = MIN(msix->vectors[msix->n].fd, 0);
	}
	if (err < 0) {
		irqchip_release(chip, msix->first_gsi, n);
		msix->first_gsi = 0;
		msix_fini(msix);
		return err;
	}
	power_on(msix);
	return 0;
}

static void unbind(struct msix *msix, unsigned int i)
{
	struct msix_vector *v = &msix->vectors[i];

	if (v->bound)
		irqchip_unbind(msix->chip, v->fd, msix->first_gsi + i);
	v->bound = false;
}

/* APIC ids are vCPU numbers; of a set the first one is as good as any. */
static void tell_target(struct msix *msix, unsigned int i)
{
	struct msix_vector *v = &msix->vectors[i];
	uint32_t to = v->words[0] >> ADDRESS_SHIFT & ADDRESS_DESTINATION;

	if (v->words[0] & ADDRESS_LOGICAL)
		to = to ? (uint32_t)__builtin_ctz(to) : 0;
	if (to == v->vcpu || !msix->target)
		return;
	v->vcpu = to;
	msix->target(msix->arg, i, to);
}

static void bind(struct msix *msix, unsigned int i)
{
	struct msix_vector *v = &msix->vectors[i];
	unsigned int gsi = msix->first_gsi + i;
	char cause[ERRNO_TEXT_MAX];
	int err;

	err = irqchip_route(msix->chip, gsi,
			    (uint64_t)v->words[1] << 32 | v->words[0],
			    v->words[2]);
	if (!err && !v->bound) {
		err = irqchip_bind(msix->chip, v->fd, gsi);
		v->bound = !err;
	}
	if (!err)
		tell_target(msix, i);
	else
		log_limited(&msix->log, LOG_LEVEL_DEBUG,
			    "%s: MSI-X vector %u: %s", msix->name, i,
			    errno_text(-err, cause, sizeof(cause)));
}

static void update(struct msix *msix, unsigned int i)
{
	const struct msix_vector *v = &msix->vectors[i];

	if (msix->enabled && !msix->all_masked &&
	    !(v->words[CONTROL_WORD] & VECTOR_MASK))
		bind(msix, i);
	else
		unbind(msix, i);
}

void msix_fini(struct msix *msix)
{
	for (unsigned int i = 0; i < msix->n; i++) {
		unbind(msix, i);
		close_fd(&msix->vectors[i].fd);
	}
	if (msix->first_gsi)
		irqchip_release(msix->chip, msix->first_gsi, msix->n);
	free(msix->vectors);
	memset(msix, 0, sizeof(*msix));
}

void msix_forget(struct msix *msix)
{
	power_on(msix);
	for (unsigned int i = 0; i < msix->n; i++)
		(void)eventfd_take(msix->vectors[i].fd);
}

int msix_fd(const struct msix *msix, unsigned int vector)
{
	return vector < msix->n ? msix->vectors[vector].fd : -EINVAL;
}

void msix_control(struct msix *msix, uint16_t control)
{
	bool enabled = control & MSIX_CONTROL_ENABLE;

	if (enabled && !msix->enabled)
		for (unsigned int i = 0; i < msix->n; i++)
			(void)eventfd_take(msix->vectors[i].fd);
	msix->enabled = enabled;
	msix->all_masked = control & MSIX_CONTROL_MASK_ALL;
	for (unsigned int i = 0; i < msix->n; i++)
		update(msix, i);
}

static bool is_pending(const struct msix *msix, unsigned int i)
{
	struct pollfd fd = {.fd = msix->vectors[i].fd, .events = POLLIN};

	return !msix->vectors[i].bound && poll(&fd, 1, 0) == 1;
}

static uint32_t read_pba(const struct msix *msix, uint64_t offset)
{
	uint64_t first = offset * 8;
	uint32_t bits = 0;

	for (unsigned int i = 0; i < 32 && first + i < msix->n; i++)
		if (is_pending(msix, (unsigned int)first + i))
			bits |= 1U << i;
	return bits;
}

/* One aligned dword; beyond table and PBA: 0. */
static uint32_t read_dword(const struct msix *msix, uint64_t offset)
{
	uint64_t half = msix->bar_size / 2;

	if (offset >= half)
		return read_pba(msix, offset - half);
	if (offset / ENTRY_SIZE >= msix->n)
		return 0;
	return msix->vectors[offset / ENTRY_SIZE]
		.words[offset % ENTRY_SIZE / 4];
}

static void write_dword(struct msix *msix, uint64_t offset, uint32_t value)
{
	uint64_t i = offset / ENTRY_SIZE;
	uint64_t word = offset % ENTRY_SIZE / 4;

	if (offset >= msix->bar_size / 2 || i >= msix->n)
		return;
	if (word == 0)
		value &= ~3U;
	if (word == CONTROL_WORD)
		value &= VECTOR_MASK;
	msix->vectors[i].words[word] = value;
	update(msix, (unsigned int)i);
}

/* Software must use aligned accesses of 4 or 8 bytes. */
void msix_access(struct msix *msix, struct bus_access *access)
{
	uint64_t at = access->offset;

	if (access->size < 4 || at % access->size) {
		bus_unclaimed(access);
		return;
	}
	if (access->is_write) {
		write_dword(msix, at, (uint32_t)access->value);
		if (access->size == 8)
			write_dword(msix, at + 4,
				    (uint32_t)(access->value >> 32));
	} else {
		access->value = read_dword(msix, at);
		if (access->size == 8)
			access->value |= (uint64_t)read_dword(msix, at + 4)
					 << 32;
	}
	bus_access_done(access);
}
