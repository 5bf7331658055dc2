/* SPDX-License-Identifier: MIT */
/*
 * Steering: by the kernel, by our program in it, or by our queues.
 *
 * A program of ours needs the right to load one (CAP_BPF) and a kernel that has
 * TUNSETSTEERINGEBPF (Linux 4.16). Where one of them is missing, and for hash
 * types that the program cannot do, the kernel spreads the frames as it likes
 * and our queues hand over what belongs to others.
 */
#include "backends/tap_steering.h"

#include "base/log.h"
#include "net/rss_bpf.h"

#include <errno.h>

/* 0, or why there is no program. */
static int steer_by_bpf(const struct tap_steering *steering,
			const struct tap_device *device)
{
	int prog = steering->load
			   ? steering->load(steering->arg, &steering->rss)
			   : net_rss_bpf_load(&steering->rss);
	int err;

	if (prog < 0)
		return prog;
	err = tap_device_set_steering(device, prog);
	close_fd(&prog); /* the device holds it */
	return err;
}

static void tell_once(struct tap_steering *steering,
		      const struct tap_device *device, int why)
{
	char text[ERRNO_TEXT_MAX];

	if (steering->told)
		return;
	steering->told = true;
	log_info("%s: frames are steered in software: BPF: %s: run with "
		 "CAP_BPF if the kernel is to do it",
		 device->label, errno_text(-why, text, sizeof(text)));
}

int tap_steering_begin(struct tap_steering *steering,
		       const struct tap_device *device,
		       const struct net_rss_config *rss, size_t n)
{
	int err;

	tap_steering_end(steering);
	/* Also one that an earlier owner has left behind. */
	tap_device_clear_steering(device);
	if (n < 2)
		return 0;
	steering->by = TAP_STEERING_KERNEL;
	if (!rss)
		return 0;
	net_rss_init(&steering->rss, rss);
	steering->by = TAP_STEERING_BPF;
	err = steer_by_bpf(steering, device);
	if (!err)
		return 0;
	tell_once(steering, device, err);
	steering->by = TAP_STEERING_SOFTWARE;
	return tap_handover_create(n, &steering->handover);
}

void tap_steering_end(struct tap_steering *steering)
{
	tap_handover_destroy(steering->handover);
	steering->handover = NULL;
	steering->by = TAP_STEERING_NONE;
}

const char *tap_steering_text(const struct tap_steering *steering)
{
	static const char *const texts[] = {
		[TAP_STEERING_NONE] = "none",
		[TAP_STEERING_KERNEL] = "kernel",
		[TAP_STEERING_BPF] = "bpf",
		[TAP_STEERING_SOFTWARE] = "software",
	};

	return texts[steering->by];
}
