/* SPDX-License-Identifier: MIT */
/*
 * The bare loop: a VM with an ioeventfd and a thread that answers it by
 * counting up a word in guest memory. No ring, no device, no interrupt; what
 * remains is KVM's share and the scheduler's.
 */
#include "kick.h"

#include "bare_vm.h"

#include <errno.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MEM_SIZE      (128UL << 20)
#define DOORBELL_ADDR 0xd0000000
#define DOORBELL_SIZE 2
#define REPLY_ADDR    0x8000
#define COM1_DATA     0x3f8

struct bare_loop {
	struct bare_vm vm;
	int bell_fd;
	int epoll_fd;
	bool busy;
	atomic_bool stop;
	pthread_t thread;
	char line[256];
	size_t line_len;
};

static void bare_answer(struct bare_loop *loop)
{
	uint32_t *reply = (void *)(loop->vm.mem + REPLY_ADDR);
	uint64_t rings;

	if (read(loop->bell_fd, &rings, sizeof(rings)) == sizeof(rings))
		__atomic_store_n(reply, *reply + (uint32_t)rings,
				 __ATOMIC_RELEASE);
}

static void *bare_thread(void *arg)
{
	struct bare_loop *loop = arg;
	struct epoll_event event;

	kick_pin(0, KICK_ANSWER_CPU);
	while (!atomic_load_explicit(&loop->stop, memory_order_relaxed)) {
		if (!loop->busy)
			epoll_wait(loop->epoll_fd, &event, 1, -1);
		bare_answer(loop);
	}
	return NULL;
}

static int bare_loop_fail(const char *what)
{
	int err = errno;

	fprintf(stderr, "bench_kick: %s: %s\n", what, strerror(err));
	return -err;
}

static int bare_loop_add_bell(struct bare_loop *loop)
{
	struct epoll_event event = {.events = EPOLLIN};
	struct kvm_ioeventfd bell = {
		.addr = DOORBELL_ADDR,
		.len = DOORBELL_SIZE,
	};

	loop->bell_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->bell_fd < 0)
		return bare_loop_fail("eventfd");
	bell.fd = loop->bell_fd;
	if (ioctl(loop->vm.vm_fd, KVM_IOEVENTFD, &bell) < 0)
		return bare_loop_fail("KVM_IOEVENTFD");
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0)
		return bare_loop_fail("epoll_create1");
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->bell_fd, &event) < 0)
		return bare_loop_fail("epoll_ctl");
	return 0;
}

/* True once the payload has printed a whole line that says PASS. */
static bool bare_loop_serial(struct bare_loop *loop)
{
	const struct kvm_run *run = loop->vm.run;
	char c = *((const char *)run + run->io.data_offset);

	if (c != '\n') {
		if (loop->line_len + 1 < sizeof(loop->line))
			loop->line[loop->line_len++] = c;
		return false;
	}
	loop->line[loop->line_len] = '\0';
	loop->line_len = 0;
	return strncmp(loop->line, "PASS", 4) == 0;
}

static int bare_loop_run(struct bare_loop *loop)
{
	int err;

	for (;;) {
		const struct kvm_run *run = loop->vm.run;

		err = bare_vm_run(&loop->vm);
		if (err)
			return err;
		if (run->exit_reason != KVM_EXIT_IO ||
		    run->io.port != COM1_DATA) {
			fprintf(stderr, "bench_kick: exit %u after \"%s\"\n",
				run->exit_reason, loop->line);
			return -EPROTO;
		}
		if (bare_loop_serial(loop))
			return 0;
	}
}

static int bare_loop_measure(struct bare_loop *loop, uint64_t *cycles)
{
	uint64_t ring = 1;
	cpu_set_t before;
	int err;

	err = pthread_create(&loop->thread, NULL, bare_thread, loop);
	if (err) {
		errno = err;
		return bare_loop_fail("pthread_create");
	}
	sched_getaffinity(0, sizeof(before), &before);
	kick_pin(0, KICK_VCPU_CPU);
	err = bare_loop_run(loop);
	sched_setaffinity(0, sizeof(before), &before);
	atomic_store(&loop->stop, true);
	if (write(loop->bell_fd, &ring, sizeof(ring)) < 0 && !err)
		err = -errno;
	pthread_join(loop->thread, NULL);
	return err ? err : kick_parse(loop->line, cycles);
}

int kick_run_bare(const struct kick_setup *setup, uint64_t *cycles)
{
	struct bare_loop loop = {
		.bell_fd = -1,
		.epoll_fd = -1,
		.busy = setup->busy,
	};
	char args[128];
	int err;

	snprintf(args, sizeof(args),
		 "mode=doorbell count=%d gap=%llu doorbell=0x%x reply=0x%x",
		 KICK_COUNT, (unsigned long long)setup->gap, DOORBELL_ADDR,
		 REPLY_ADDR);
	err = bare_vm_init(&loop.vm, MEM_SIZE);
	if (err)
		return err;
	err = bare_vm_load(&loop.vm, setup->payload);
	if (!err)
		err = bare_vm_set_cpuid(&loop.vm);
	if (!err)
		err = bare_vm_enter_pvh(&loop.vm, args);
	if (!err)
		err = bare_loop_add_bell(&loop);
	if (!err)
		err = bare_loop_measure(&loop, cycles);
	if (loop.epoll_fd >= 0)
		close(loop.epoll_fd);
	if (loop.bell_fd >= 0)
		close(loop.bell_fd);
	bare_vm_fini(&loop.vm);
	return err;
}
