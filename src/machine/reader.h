/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_READER_H
#define EVNIC_MACHINE_READER_H

/*
 * From the tree that cJSON made to the typed config.
 */

#include "machine/description.h"

struct key_table;

/* Reads @desc->root by @keys into @base, the struct that they describe. */
void reader_read(struct description *desc, const struct key_table *keys,
		 void *base);

#endif
