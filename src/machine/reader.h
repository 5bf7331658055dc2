/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_READER_H
#define EVNIC_MACHINE_READER_H

/*
 * From the tree that cJSON made to the typed config.
 */

#include "machine/description.h"

/* Reads @desc->root into @desc->config. */
void reader_read(struct description *desc);

#endif
