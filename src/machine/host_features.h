/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_HOST_FEATURES_H
#define EVNIC_MACHINE_HOST_FEATURES_H

/*
 * What evnic uses of the host's kernel, since when Linux has it, and whether
 * this host lets us have it.
 */

#include "base/util.h"

#include <stdbool.h>
#include <stdio.h>

/* What became of a trial that could not be made at all. */
#define HOST_NOT_TRIED 1

/* @since: the Linux version: two or three numbers. @use: what for; @without:
 * what there is instead; @cure: what to do where the kernel is new enough.
 * @probe: 0, -errno, or HOST_NOT_TRIED; changes nothing on the host; NULL: it
 * takes more than a word to say (machine/host.c). */
struct host_feature {
	const char *name;
	const char *since;
	const char *use;
	const char *without;
	const char *cure;
	int (*probe)(void);
};

/* Ends with a row without a name. */
extern const struct host_feature host_features[];

/* Tries @feature and says how that went, in one line. Returns @text. */
const char *host_feature_state(const struct host_feature *feature, char *text,
			       size_t size);

/* Is Linux @release (uname -r) at least @since? */
bool host_release_has(const char *release, const char *since);

/* The table for the README. */
void host_write_features(FILE *out);

#endif
