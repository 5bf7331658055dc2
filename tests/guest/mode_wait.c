/* SPDX-License-Identifier: MIT */
/* mode=wait: run the NIC, say READY, and stay until the host ends the machine.
 */
#include "cpu.h"
#include "payload.h"
#include "vnet.h"

_Noreturn void mode_wait(void)
{
	static struct vnet nic;

	vnet_start(&nic, 0);
	for (uint16_t i = 0; i < nic.rx.size; i++)
		vnet_rx_post(&nic, i);
	virtq_kick_if_wanted(&nic.rx);
	console_text("READY\n");
	for (;;)
		cpu_relax();
}
