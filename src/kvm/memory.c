/* SPDX-License-Identifier: MIT */
/*
 * Guest RAM in a memory file, so that a peer process can map it too.
 *
 * Pages are taken from the host when they are first touched, unless "prefault"
 * asks for all of them now. Huge pages come from the host's pool; they are
 * reserved by the mapping, so that a pool that is too small shows here and not
 * as SIGBUS under the running guest.
 *
 * A core dump of the process leaves it out: what the guest has in its memory is
 * nobody's business who looks for a bug of ours.
 */
#include "kvm/memory.h"

#include "kvm/error.h"
#include "kvm/layout.h"

#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define MIB	       (1024ULL * 1024)
#define HUGE_PAGE_SIZE (2 * MIB)
#define MEMORY_MIN     (2 * MIB)

static int check_size(const struct kvm_vm_config *config,
		      struct kvm_error *error)
{
	uint64_t host = (uint64_t)sysconf(_SC_PHYS_PAGES) *
			(uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t unit = config->huge_pages ? HUGE_PAGE_SIZE : LAYOUT_PAGE;

	if (config->mem_size < MEMORY_MIN)
		return kvm_error_set(error, -EINVAL,
				     "guest memory: %llu bytes are too few; "
				     "give the guest at least 2 MiB",
				     (unsigned long long)config->mem_size);
	if (config->mem_size % unit)
		return kvm_error_set(
			error, -EINVAL,
			"guest memory: %llu bytes are not a multiple of the "
			"page size %llu; choose a size that is",
			(unsigned long long)config->mem_size,
			(unsigned long long)unit);
	if (config->mem_size > host)
		return kvm_error_set(
			error, -ENOMEM,
			"guest memory: %llu MiB are more than the "
			"host's %llu MiB; give the guest less",
			(unsigned long long)(config->mem_size / MIB),
			(unsigned long long)(host / MIB));
	return 0;
}

static int add_regions(struct memory *memory)
{
	struct guest_mem_region low = {
		.gpa = 0,
		.size = MIN(memory->size, LAYOUT_RAM_BELOW_4G),
		.host = memory->host,
		.fd = memory->fd,
	};
	struct guest_mem_region high = {
		.gpa = LAYOUT_RAM_ABOVE_4G,
		.size = memory->size - low.size,
		.host = memory->host + low.size,
		.fd = memory->fd,
		.fd_offset = low.size,
	};
	int err = guest_mem_add(&memory->regions, &low);

	if (!err && high.size)
		err = guest_mem_add(&memory->regions, &high);
	return err;
}

static int map(struct memory *memory, const struct kvm_vm_config *config,
	       struct kvm_error *error)
{
	int share = MAP_SHARED | (config->huge_pages ? 0 : MAP_NORESERVE);
	void *host;

	memory->fd = memfd_create(
		"guest-memory",
		MFD_CLOEXEC | (config->huge_pages ? MFD_HUGETLB : 0U));
	if (memory->fd < 0)
		return kvm_error_errno(error, -errno, "guest memory: memfd");
	if (ftruncate(memory->fd, (off_t)memory->size) < 0)
		return kvm_error_errno(
			error, -errno, "guest memory: %llu MiB",
			(unsigned long long)(memory->size / MIB));
	host = mmap(NULL, memory->size, PROT_READ | PROT_WRITE, share,
		    memory->fd, 0);
	if (host == MAP_FAILED && config->huge_pages)
		return kvm_error_set(
			error, -errno,
			"guest memory: the host has no %llu free "
			"huge pages of 2 MiB; raise "
			"vm.nr_hugepages or do without",
			(unsigned long long)(memory->size / HUGE_PAGE_SIZE));
	if (host == MAP_FAILED)
		return kvm_error_errno(error, -errno, "guest memory: mmap");
	memory->host = host;
	if (madvise(host, memory->size, MADV_DONTDUMP) < 0)
		return kvm_error_errno(
			error, -errno,
			"guest memory: cannot be kept out of core dumps");
	return 0;
}

static int prefault(struct memory *memory, struct kvm_error *error)
{
	if (madvise(memory->host, memory->size, MADV_POPULATE_WRITE) == 0)
		return 0;
	if (errno == EINVAL)
		return kvm_error_set(
			error, -ENOTSUP,
			"guest memory: taking all of it at once "
			"needs Linux 5.14 on the host; do without");
	return kvm_error_errno(error, -errno,
			       "guest memory: the host cannot give all of its "
			       "%llu MiB at once",
			       (unsigned long long)(memory->size / MIB));
}

int memory_init(struct memory *memory, const struct kvm_vm_config *config,
		struct kvm_error *error)
{
	int err;

	memset(memory, 0, sizeof(*memory));
	memory->fd = -1;
	guest_mem_init(&memory->regions);
	err = check_size(config, error);
	if (err < 0)
		return err;
	memory->size = config->mem_size;
	err = map(memory, config, error);
	if (err < 0)
		goto fail;
	if (config->prefault)
		err = prefault(memory, error);
	if (err < 0)
		goto fail;
	err = add_regions(memory);
	if (err < 0) {
		(void)kvm_error_errno(error, err, "guest memory");
		goto fail;
	}
	return 0;

fail:
	memory_fini(memory);
	return err;
}

void memory_fini(struct memory *memory)
{
	guest_mem_clear(&memory->regions);
	if (memory->host)
		(void)munmap(memory->host, memory->size);
	memory->host = NULL;
	close_fd(&memory->fd);
}

int memory_attach(const struct memory *memory, int vm_fd,
		  struct kvm_error *error)
{
	for (size_t i = 0; i < memory->regions.n_regions; i++) {
		const struct guest_mem_region *r = &memory->regions.regions[i];
		struct kvm_userspace_memory_region slot = {
			.slot = (uint32_t)i,
			.guest_phys_addr = r->gpa,
			.memory_size = r->size,
			.userspace_addr = (uintptr_t)r->host,
		};

		if (ioctl(vm_fd, KVM_SET_USER_MEMORY_REGION, &slot) < 0)
			return kvm_error_errno(error, -errno,
					       "guest memory: KVM slot");
	}
	return 0;
}

uint64_t memory_low_end(const struct memory *memory)
{
	return memory->regions.regions[0].size;
}
