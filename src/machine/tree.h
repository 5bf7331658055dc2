/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_TREE_H
#define EVNIC_MACHINE_TREE_H

/*
 * The tree of a whole machine, for "inspect" and for the log.
 *
 * Thread: the control loop.
 */

#include "machine/life.h"
#include "machine/nics.h"

/* Borrowed. */
struct tree {
	struct kvm_vm *vm;
	struct nics *nics;
	struct life *life;
};

/* Fills @in (empty, initialised); @done is called, at once or from the loop, when
 * all is in it. 0, or -ENOMEM and @done is never called. */
int tree_fill(const struct tree *tree, struct inspect *in,
	      void (*done)(void *arg), void *arg) MUST_CHECK;

/* Writes the whole tree to the log, a line for each object. Zero-initialised,
 * embedded; asking while one is under way does nothing. */
struct tree_dump {
	bool active;
	struct inspect in;
};

#define TREE_DUMP_LINES 500

void tree_dump(struct tree_dump *dump, const struct tree *tree);

/* Ends one that is under way, after nics_destroy(). */
void tree_dump_fini(struct tree_dump *dump);

#endif
