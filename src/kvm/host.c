/* SPDX-License-Identifier: MIT */
/*
 * The host's KVM: opening it, and whether it has what we need.
 */
#include "kvm/host.h"

#include "kvm/error.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#define MAX_VCPUS 254 /* APIC ids of 8 bits, without the broadcast */

static const struct {
	int capability;
	const char *name;
} needed[] = {
	{KVM_CAP_IRQCHIP, "in-kernel interrupt controllers"},
	{KVM_CAP_USER_MEMORY, "user memory"},
	{KVM_CAP_EXT_CPUID, "CPUID"},
	{KVM_CAP_PIT2, "the interval timer"},
	{KVM_CAP_IRQ_ROUTING, "interrupt routing"},
	{KVM_CAP_IRQFD, "irqfd"},
	{KVM_CAP_IOEVENTFD, "ioeventfd"},
	{KVM_CAP_SIGNAL_MSI, "MSI"},
	{KVM_CAP_IMMEDIATE_EXIT, "immediate exit"},
};

int host_open(struct kvm_error *error)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int err = -errno;

	if (fd >= 0)
		return fd;
	if (err == -ENOENT || err == -ENODEV || err == -ENXIO)
		return kvm_error_set(
			error, err,
			"/dev/kvm: the host has no KVM; load the module "
			"kvm_intel or kvm_amd, or enable virtualisation in "
			"the firmware");
	if (err == -EACCES || err == -EPERM)
		return kvm_error_set(error, err,
				     "/dev/kvm: no right to open it; add the "
				     "user to the group kvm, or run as root");
	return kvm_error_errno(error, err, "/dev/kvm");
}

int host_check(int kvm_fd, unsigned int n_vcpus, struct kvm_error *error)
{
	int max = ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);

	if (ioctl(kvm_fd, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
		return kvm_error_set(error, -ENOTSUP,
				     "/dev/kvm: not the KVM interface that "
				     "Linux has had since 2.6.22");
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (ioctl(kvm_fd, KVM_CHECK_EXTENSION, needed[i].capability) <=
		    0)
			return kvm_error_set(error, -ENOTSUP,
					     "/dev/kvm: the host's KVM lacks "
					     "%s; use a newer kernel",
					     needed[i].name);
	if (max <= 0 || max > MAX_VCPUS)
		max = MAX_VCPUS;
	if (n_vcpus < 1 || n_vcpus > (unsigned int)max)
		return kvm_error_set(error, -EINVAL,
				     "vCPUs: %u are not possible; this host "
				     "takes 1 to %d",
				     n_vcpus, max);
	return 0;
}

int host_create_vm(int kvm_fd)
{
	int fd;

	do {
		fd = ioctl(kvm_fd, KVM_CREATE_VM, 0);
	} while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}
