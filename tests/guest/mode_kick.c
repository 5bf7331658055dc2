/* SPDX-License-Identifier: MIT */
/*
 * mode=kick and mode=doorbell: the time from a doorbell write until the host's
 * answer is in memory, as the guest's own clock sees it.
 *
 *	kick	  publish one frame on the transmit queue, ring, wait until
 *		  the used index moves. Nothing else is negotiated, so that
 *		  every round is one kick and one completion.
 *	doorbell  write to the register at "doorbell=", wait until the word at
 *		  "reply=" counts up: the same with no device behind it.
 *
 * It says READY, then makes "count=" rounds that are timed after a tenth as many
 * that are not. "gap=" cycles pass between two, so that a host thread that
 * wants to sleep does. The result is in cycles of the time-stamp counter.
 */
#include "cpu.h"
#include "payload.h"
#include "vnet.h"

#define COUNT_MAX 100000

static uint32_t *samples;

/* One round: from before the write until the answer is seen. */
typedef uint64_t (*kick_round_fn)(void *arg);

static void pass_gap(uint64_t cycles)
{
	uint64_t start = cpu_cycles();

	while (cpu_cycles() - start < cycles)
		cpu_relax();
}

/* Shell sort: short, in place, and quick enough for 100,000 samples. */
static void sort_samples(uint64_t count)
{
	for (uint64_t step = count / 2; step; step /= 2) {
		for (uint64_t i = step; i < count; i++) {
			uint32_t value = samples[i];
			uint64_t at = i;

			for (; at >= step && samples[at - step] > value;
			     at -= step)
				samples[at] = samples[at - step];
			samples[at] = value;
		}
	}
}

static void kick_report(uint64_t count)
{
	sort_samples(count);
	console_text("PASS count=");
	console_number(count);
	console_text(" min=");
	console_number(samples[0]);
	console_text(" median=");
	console_number(samples[count / 2]);
	console_text(" p99=");
	console_number(samples[count * 99 / 100]);
	console_text("\n");
}

static void kick_measure(kick_round_fn round, void *arg)
{
	uint64_t count = option_number("count", 1000);
	uint64_t gap = option_number("gap", 0);

	if (!count || count > COUNT_MAX)
		payload_fail("count= is out of range");
	samples = payload_pages(count * sizeof(*samples));
	console_text("READY\n");
	for (uint64_t i = 0; i < count / 10; i++) {
		pass_gap(gap);
		(void)round(arg);
	}
	for (uint64_t i = 0; i < count; i++) {
		pass_gap(gap);
		samples[i] = (uint32_t)round(arg);
	}
	kick_report(count);
}

static bool tx_is_used(void *arg)
{
	return virtq_has_used(&((struct vnet *)arg)->tx);
}

static uint64_t kick_round(void *arg)
{
	struct vnet *nic = arg;
	struct vring_used_elem elem;
	uint64_t start;
	uint64_t end;

	start = cpu_cycles();
	vnet_tx_post(nic, 0, VNET_FRAME_MIN);
	virtq_kick(&nic->tx);
	payload_wait(tx_is_used, nic, "no answer to a kick");
	end = cpu_cycles();
	virtq_take(&nic->tx, &elem);
	return end - start;
}

void mode_kick(void)
{
	static struct vnet nic;

	vnet_start(&nic, 0);
	for (unsigned int i = 0; i < VNET_FRAME_MIN; i++)
		vnet_tx_buffer(0)[VNET_HEADER + i] = 0xff;
	kick_measure(kick_round, &nic);
}

struct doorbell {
	uint64_t addr;
	uint32_t *reply;
	uint32_t rounds;
};

static bool reply_is_there(void *arg)
{
	const struct doorbell *bell = arg;

	return __atomic_load_n(bell->reply, __ATOMIC_ACQUIRE) == bell->rounds;
}

static uint64_t doorbell_round(void *arg)
{
	struct doorbell *bell = arg;
	uint64_t start = cpu_cycles();

	bell->rounds++;
	mmio_write16(bell->addr, 1);
	payload_wait(reply_is_there, bell, "no answer to the doorbell");
	return cpu_cycles() - start;
}

void mode_doorbell(void)
{
	static struct doorbell bell;

	bell.addr = option_number("doorbell", 0);
	bell.reply = (uint32_t *)option_number("reply", 0);
	if (!bell.addr || !bell.reply)
		payload_fail("doorbell= or reply= is missing");
	kick_measure(doorbell_round, &bell);
}
