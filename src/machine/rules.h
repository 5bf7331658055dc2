/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_RULES_H
#define EVNIC_MACHINE_RULES_H

/*
 * Rules about a description that involve more than one key, or the host.
 */

#include "machine/description.h"

/* Checks keys against each other, and fills in what follows from them: the
 * transport that pci=off implies, each NIC's endpoint. */
void rules_check(struct description *desc);

/* Of them, those about backends of type "consomme". */
void rules_check_consomme(struct description *desc);

/* Checks what this host must have: files, memory. */
void rules_check_host(struct description *desc);

#endif
