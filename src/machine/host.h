/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_HOST_H
#define EVNIC_MACHINE_HOST_H

/*
 * What this host offers to evnic.
 */

#include <stdio.h>

/* Writes a line for each thing that evnic uses: what there is and, for a gap,
 * what to do about it; then one line "kvm-verdict=WORD" for machines. Takes up
 * to a second. Returns 0 if stock kernels can run here, 1 if not. */
int host_report(FILE *out);

#endif
