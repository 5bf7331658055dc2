/* SPDX-License-Identifier: MIT */
/*
 * Doorbells as ioeventfds.
 *
 * KVM knows an ioeventfd by address, length, value and file; all four are
 * needed to take it back, so each bell remembers whether KVM has it.
 */
#include "kvm/bells.h"

#include "base/log.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <sys/ioctl.h>

struct bell {
	struct platform_bell what;
	bool active; /* KVM has it */
	struct bell *next;
};

void bells_init(struct bells *bells, const int *vm_fd, const char *name)
{
	*bells = (struct bells){.vm_fd = vm_fd, .name = name};
}

static int ioeventfd(const struct bells *bells, const struct bell *bell,
		     uint32_t flags)
{
	struct kvm_ioeventfd args = {
		.datamatch = bell->what.match ? bell->what.value : 0,
		.addr = bells->base + bell->what.offset,
		.len = bell->what.len,
		.fd = bell->what.fd,
		.flags = flags |
			 (bell->what.match ? KVM_IOEVENTFD_FLAG_DATAMATCH : 0),
	};

	return ioctl(*bells->vm_fd, KVM_IOEVENTFD, &args) < 0 ? -errno : 0;
}

static void activate(struct bells *bells, struct bell *bell)
{
	uint64_t at = bells->base + bell->what.offset;
	char cause[ERRNO_TEXT_MAX];
	int err = ioeventfd(bells, bell, 0);

	bell->active = !err;
	if (err)
		log_limited(&bells->log, LOG_LEVEL_DEBUG,
			    "%s: doorbell at 0x%llx: %s; writes to it are slow",
			    bells->name, (unsigned long long)at,
			    errno_text(-err, cause, sizeof(cause)));
}

static void deactivate(struct bells *bells, struct bell *bell)
{
	if (bell->active)
		(void)ioeventfd(bells, bell, KVM_IOEVENTFD_FLAG_DEASSIGN);
	bell->active = false;
}

int bells_add(struct bells *bells, const struct platform_bell *bell)
{
	struct bell *own = calloc(1, sizeof(*own));

	if (!own)
		return -ENOMEM;
	own->what = *bell;
	own->next = bells->first;
	bells->first = own;
	if (bells->mapped)
		activate(bells, own);
	return 0;
}

static bool same(const struct platform_bell *a, const struct platform_bell *b)
{
	return a->offset == b->offset && a->len == b->len &&
	       a->match == b->match && a->value == b->value && a->fd == b->fd;
}

void bells_remove(struct bells *bells, const struct platform_bell *bell)
{
	struct bell **link = &bells->first;
	struct bell *own;

	while (*link && !same(&(*link)->what, bell))
		link = &(*link)->next;
	own = *link;
	if (!own)
		return;
	*link = own->next;
	deactivate(bells, own);
	free(own);
}

void bells_map(struct bells *bells, uint64_t base)
{
	bells->base = base;
	bells->mapped = true;
	for (struct bell *b = bells->first; b; b = b->next)
		activate(bells, b);
}

void bells_unmap(struct bells *bells)
{
	for (struct bell *b = bells->first; b; b = b->next)
		deactivate(bells, b);
	bells->mapped = false;
}

void bells_forget(struct bells *bells)
{
	for (struct bell *b = bells->first; b; b = b->next)
		b->active = false;
	bells->mapped = false;
}

void bells_fini(struct bells *bells)
{
	struct bell *next;

	for (struct bell *b = bells->first; b; b = next) {
		next = b->next;
		deactivate(bells, b);
		free(b);
	}
	bells->first = NULL;
}
