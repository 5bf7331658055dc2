/* SPDX-License-Identifier: MIT */
/*
 * A virtual machine with nothing in it but memory and a processor.
 *
 * The order is that of the KVM API: open /dev/kvm, create the VM, give it one
 * memory slot, create one vCPU, map its run structure. A PVH guest ("x86/HVM
 * direct boot ABI" of Xen) is entered in 32-bit protected mode, paging off,
 * with EBX pointing to its start info.
 */
#include "bare_vm.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define START_INFO_ADDR	  0x1000
#define CMDLINE_ADDR	  0x2000
#define CMDLINE_MAX	  1024
#define START_INFO_MAGIC  0x336ec578
#define NOTE_PHYS32_ENTRY 18

/* The first fields of struct hvm_start_info, version 0. */
struct start_info {
	uint32_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t modules;
	uint64_t modlist_paddr;
	uint64_t cmdline_paddr;
	uint64_t rsdp_paddr;
};

static int bare_fail(const char *what)
{
	int err = errno;

	fprintf(stderr, "bare VM: %s: %s\n", what, strerror(err));
	return -err;
}

static int bare_vm_add_memory(struct bare_vm *vm)
{
	struct kvm_userspace_memory_region region = {
		.memory_size = vm->mem_size,
	};
	int fd = memfd_create("bare-vm", MFD_CLOEXEC);

	if (fd < 0)
		return bare_fail("memfd_create");
	if (ftruncate(fd, (off_t)vm->mem_size) < 0) {
		close(fd);
		return bare_fail("ftruncate");
	}
	vm->mem = mmap(NULL, vm->mem_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		       fd, 0);
	close(fd);
	if (vm->mem == MAP_FAILED) {
		vm->mem = NULL;
		return bare_fail("mmap of guest memory");
	}
	region.userspace_addr = (uintptr_t)vm->mem;
	if (ioctl(vm->vm_fd, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return bare_fail("KVM_SET_USER_MEMORY_REGION");
	return 0;
}

static int bare_vm_add_vcpu(struct bare_vm *vm)
{
	int size = ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);

	if (size < 0)
		return bare_fail("KVM_GET_VCPU_MMAP_SIZE");
	vm->vcpu_fd = ioctl(vm->vm_fd, KVM_CREATE_VCPU, 0);
	if (vm->vcpu_fd < 0)
		return bare_fail("KVM_CREATE_VCPU");
	vm->run_size = (size_t)size;
	vm->run = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		       vm->vcpu_fd, 0);
	if (vm->run == MAP_FAILED) {
		vm->run = NULL;
		return bare_fail("mmap of the vCPU");
	}
	return 0;
}

int bare_vm_init(struct bare_vm *vm, size_t mem_size)
{
	int err;

	*vm = (struct bare_vm){
		.kvm_fd = -1,
		.vm_fd = -1,
		.vcpu_fd = -1,
		.mem_size = mem_size,
	};
	vm->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm_fd < 0)
		return bare_fail("/dev/kvm");
	vm->vm_fd = ioctl(vm->kvm_fd, KVM_CREATE_VM, 0);
	if (vm->vm_fd < 0) {
		err = bare_fail("KVM_CREATE_VM");
		goto fail;
	}
	err = bare_vm_add_memory(vm);
	if (!err)
		err = bare_vm_add_vcpu(vm);
	if (!err)
		return 0;
fail:
	bare_vm_fini(vm);
	return err;
}

void bare_vm_fini(struct bare_vm *vm)
{
	if (vm->run)
		munmap(vm->run, vm->run_size);
	if (vm->vcpu_fd >= 0)
		close(vm->vcpu_fd);
	if (vm->vm_fd >= 0)
		close(vm->vm_fd);
	if (vm->kvm_fd >= 0)
		close(vm->kvm_fd);
	if (vm->mem)
		munmap(vm->mem, vm->mem_size);
	vm->run = NULL;
	vm->mem = NULL;
	vm->kvm_fd = vm->vm_fd = vm->vcpu_fd = -1;
}

static int read_at(int fd, void *buf, size_t len, uint64_t offset)
{
	ssize_t n = pread(fd, buf, len, (off_t)offset);

	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -ENOEXEC;
}

/* The payload's note is the only one in its segment. */
static int bare_vm_load_note(struct bare_vm *vm, int fd, const Elf64_Phdr *ph)
{
	struct {
		Elf64_Nhdr head;
		char name[4];
		uint64_t entry;
	} note;
	int err = read_at(fd, &note, sizeof(note), ph->p_offset);

	if (err)
		return err;
	if (note.head.n_type != NOTE_PHYS32_ENTRY ||
	    memcmp(note.name, "Xen", sizeof(note.name)) != 0)
		return -ENOEXEC;
	vm->entry = note.entry;
	return 0;
}

static int bare_vm_load_segment(struct bare_vm *vm, int fd,
				const Elf64_Phdr *ph)
{
	if (ph->p_memsz > vm->mem_size || ph->p_filesz > ph->p_memsz ||
	    ph->p_paddr > vm->mem_size - ph->p_memsz)
		return -ENOMEM;
	return read_at(fd, vm->mem + ph->p_paddr, ph->p_filesz, ph->p_offset);
}

static int bare_vm_load_elf(struct bare_vm *vm, int fd)
{
	Elf64_Ehdr eh;
	Elf64_Phdr ph;
	int err = read_at(fd, &eh, sizeof(eh), 0);

	if (err)
		return err;
	if (memcmp(eh.e_ident, ELFMAG, SELFMAG) != 0)
		return -ENOEXEC;
	for (unsigned int i = 0; i < eh.e_phnum && !err; i++) {
		err = read_at(fd, &ph, sizeof(ph), eh.e_phoff + i * sizeof(ph));
		if (!err && ph.p_type == PT_LOAD)
			err = bare_vm_load_segment(vm, fd, &ph);
		else if (!err && ph.p_type == PT_NOTE)
			err = bare_vm_load_note(vm, fd, &ph);
	}
	return err;
}

int bare_vm_load(struct bare_vm *vm, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int err;

	if (fd < 0)
		return bare_fail(path);
	err = bare_vm_load_elf(vm, fd);
	close(fd);
	if (err) {
		errno = -err;
		return bare_fail(path);
	}
	return 0;
}

int bare_vm_set_cpuid(struct bare_vm *vm)
{
	union {
		struct kvm_cpuid2 head;
		uint8_t room[sizeof(struct kvm_cpuid2) +
			     256 * sizeof(struct kvm_cpuid_entry2)];
	} cpuid = {.head = {.nent = 256}};

	if (ioctl(vm->kvm_fd, KVM_GET_SUPPORTED_CPUID, &cpuid) < 0)
		return bare_fail("KVM_GET_SUPPORTED_CPUID");
	if (ioctl(vm->vcpu_fd, KVM_SET_CPUID2, &cpuid) < 0)
		return bare_fail("KVM_SET_CPUID2");
	return 0;
}

static int bare_vm_set_registers(struct bare_vm *vm)
{
	const struct kvm_segment data = {
		.limit = 0xffffffff,
		.selector = 0x10,
		.type = 3,
		.present = 1,
		.db = 1,
		.s = 1,
		.g = 1,
	};
	struct kvm_regs regs = {
		.rip = vm->entry,
		.rbx = START_INFO_ADDR,
		.rflags = 2,
	};
	struct kvm_sregs sregs;

	if (ioctl(vm->vcpu_fd, KVM_GET_SREGS, &sregs) < 0)
		return bare_fail("KVM_GET_SREGS");
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.cs = data;
	sregs.cs.selector = 0x08;
	sregs.cs.type = 0xb;
	sregs.tr = (struct kvm_segment){
		.limit = 0x67,
		.type = 0xb,
		.present = 1,
	};
	sregs.cr0 = 0x11;
	if (ioctl(vm->vcpu_fd, KVM_SET_SREGS, &sregs) < 0)
		return bare_fail("KVM_SET_SREGS");
	if (ioctl(vm->vcpu_fd, KVM_SET_REGS, &regs) < 0)
		return bare_fail("KVM_SET_REGS");
	return 0;
}

int bare_vm_enter_pvh(struct bare_vm *vm, const char *cmdline)
{
	const struct start_info info = {
		.magic = START_INFO_MAGIC,
		.cmdline_paddr = CMDLINE_ADDR,
	};
	size_t len = strlen(cmdline) + 1;

	if (len > CMDLINE_MAX)
		return -E2BIG;
	memcpy(vm->mem + START_INFO_ADDR, &info, sizeof(info));
	memcpy(vm->mem + CMDLINE_ADDR, cmdline, len);
	return bare_vm_set_registers(vm);
}

int bare_vm_run(struct bare_vm *vm)
{
	while (ioctl(vm->vcpu_fd, KVM_RUN, 0) < 0) {
		if (errno != EINTR)
			return bare_fail("KVM_RUN");
	}
	return 0;
}
