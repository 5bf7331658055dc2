/* SPDX-License-Identifier: MIT */
/*
 * mode=wait: run the NIC, say READY, and stay until the host ends the machine.
 * mode=reset: the same, but reset the machine instead of staying.
 */
#include "cpu.h"
#include "payload.h"
#include "vnet.h"

static void run_nic(void)
{
	static struct vnet nic;

	vnet_start(&nic, 0);
	for (uint16_t i = 0; i < nic.rx.size; i++)
		vnet_rx_post(&nic, i);
	virtq_kick_if_wanted(&nic.rx);
	console_text("READY\n");
}

_Noreturn void mode_wait(void)
{
	run_nic();
	for (;;)
		cpu_relax();
}

_Noreturn void mode_reset(void)
{
	run_nic();
	cpu_triple_fault();
}
