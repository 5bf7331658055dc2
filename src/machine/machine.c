/* SPDX-License-Identifier: MIT */
/*
 * A running machine.
 *
 * The calling thread runs the control loop, which owns everything here. What a
 * machine is made of is built in the order VM, iothreads, endpoints, frontends,
 * and taken down the other way round.
 *
 * States:
 *
 *	running --(reset by the guest, on_reset "restart")--> stopping
 *	running --(power-off, other reset, signal, error)---> stopping, ending
 *
 * To stop is to park the vCPUs, then to reset all frontends: from then on no
 * queue runs and no access is under way. Then the VM is reset and started
 * again, or, if the machine is ending, the loop ends. A signal that arrives
 * while it stops in order to restart turns it to ending.
 *
 * Iothreads are joined before anything that they have watched is closed: libev
 * forgets a file descriptor in the round after its watcher was stopped.
 */
#include "machine/machine.h"

#include "base/log.h"
#include "kvm/vm.h"
#include "machine/kinds.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static const int end_signals[] = {SIGTERM, SIGINT, SIGHUP};

struct machine {
	const struct machine_config *config;
	struct loop loop;
	ev_signal signals[ARRAY_SIZE(end_signals)];
	struct loop_msg give_up;
	struct log_limit resets;
	struct kvm_vm *vm;
	struct iothread *iothreads[CONFIG_MAX_NICS];
	size_t n_iothreads;
	struct net_endpoint *endpoints[CONFIG_MAX_NICS];
	struct frontend *frontends[CONFIG_MAX_NICS];
	size_t n_frontends;
	size_t resets_pending;
	bool vcpus_run;
	bool stopping;
	bool ending;
	int status; /* 0 or -1 */
};

static void machine_stop(struct machine *m, bool end);

static void fill_signal_set(sigset_t *set)
{
	(void)sigemptyset(set);
	for (size_t i = 0; i < ARRAY_SIZE(end_signals); i++)
		(void)sigaddset(set, end_signals[i]);
}

void machine_block_signals(void)
{
	sigset_t set;

	fill_signal_set(&set);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void signal_cb(struct ev_loop *ev, ev_signal *w, int revents)
{
	struct machine *m = w->data;

	UNUSED(ev);
	UNUSED(revents);
	log_info("signal %s: the machine ends", sigabbrev_np(w->signum));
	machine_stop(m, true);
}

static void vm_event_cb(void *arg, enum kvm_vm_event event, const char *text)
{
	struct machine *m = arg;
	bool end = true;

	switch (event) {
	case KVM_VM_POWER_OFF:
		log_info("the guest powered off");
		break;
	case KVM_VM_RESET:
		end = m->config->shape.on_reset == CONFIG_RESET_EXIT;
		log_limited(&m->resets, LOG_LEVEL_INFO,
			    "the guest reset itself%s",
			    end ? "" : ": it is booted again");
		break;
	case KVM_VM_QUIT:
		log_info("ended from the console");
		break;
	case KVM_VM_ERROR:
		log_error("%s", text);
		m->status = -1;
		break;
	}
	machine_stop(m, end);
}

static void vm_failed(struct machine *m, const struct kvm_error *error)
{
	log_error("%s", error->text);
	m->status = -1;
}

/* The VM stands still, nothing runs on its behalf. */
static void stopped(struct machine *m)
{
	struct kvm_error error;

	m->stopping = false;
	if (!m->ending) {
		if (kvm_vm_reset(m->vm, &error) == 0 &&
		    kvm_vm_start(m->vm, &error) == 0) {
			m->vcpus_run = true;
			return;
		}
		vm_failed(m, &error);
	}
	loop_stop(&m->loop);
}

static void frontend_reset_cb(void *arg, int err)
{
	struct machine *m = arg;

	UNUSED(err);
	if (--m->resets_pending == 0)
		stopped(m);
}

static void vcpus_parked_cb(void *arg)
{
	struct machine *m = arg;

	m->vcpus_run = false;
	/* One more, so that answers that come at once end nothing early. */
	m->resets_pending = m->n_frontends + 1;
	for (size_t i = 0; i < m->n_frontends; i++)
		frontend_reset(m->frontends[i], frontend_reset_cb, m);
	frontend_reset_cb(m, 0);
}

static void machine_stop(struct machine *m, bool end)
{
	m->ending |= end;
	if (m->stopping)
		return;
	m->stopping = true;
	if (m->vcpus_run)
		kvm_vm_stop(m->vm, vcpus_parked_cb, m);
	else
		vcpus_parked_cb(m);
}

static void give_up_run(struct loop_msg *msg)
{
	machine_stop(container_of(msg, struct machine, give_up), true);
}

/* Was evnic started by nohup(1)? */
static bool hangup_ignored(void)
{
	struct sigaction now;

	return sigaction(SIGHUP, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

static void watch_signals(struct machine *m)
{
	bool nohup = hangup_ignored();
	sigset_t set;

	for (size_t i = 0; i < ARRAY_SIZE(end_signals); i++) {
		ev_signal_init(&m->signals[i], signal_cb, end_signals[i]);
		m->signals[i].data = m;
		if (end_signals[i] != SIGHUP || !nohup)
			ev_signal_start(m->loop.ev, &m->signals[i]);
	}
	fill_signal_set(&set);
	(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* Whatever arrives from now on waits for the end of the process. */
static void unwatch_signals(struct machine *m)
{
	machine_block_signals();
	for (size_t i = 0; i < ARRAY_SIZE(end_signals); i++)
		ev_signal_stop(m->loop.ev, &m->signals[i]);
}

static int create_vm(struct machine *m)
{
	const struct machine_config *c = m->config;
	static const enum kvm_serial_kind serial[] = {
		[CONFIG_SERIAL_STDIO] = KVM_SERIAL_STDIO,
		[CONFIG_SERIAL_FILE] = KVM_SERIAL_FILE,
		[CONFIG_SERIAL_NONE] = KVM_SERIAL_NONE,
	};
	const struct kvm_vm_config config = {
		.mem_size = (uint64_t)c->shape.mem_size_mib << 20,
		.huge_pages = c->shape.huge_pages == CONFIG_HUGE_2M,
		.prefault = c->shape.prefault,
		.n_vcpus = (unsigned int)c->shape.vcpu_count,
		.kernel_path = c->boot.kernel_image_path,
		.initrd_path = c->boot.initrd_path,
		.cmdline = c->boot.boot_args,
		.serial = serial[c->serial.type],
		.serial_path = c->serial.path,
	};
	struct kvm_error error;

	if (kvm_vm_create(&m->loop, &config, vm_event_cb, m, &m->vm, &error) <
	    0) {
		vm_failed(m, &error);
		return -1;
	}
	return 0;
}

/* One for each queue pair unless the description says otherwise; a NIC has one
 * queue pair. */
static int create_iothreads(struct machine *m)
{
	const struct machine_config *c = m->config;
	size_t n = c->iothreads == CONFIG_ABSENT ? c->n_nics
						 : (size_t)c->iothreads;

	for (size_t i = 0; i < MIN(n, c->n_nics); i++) {
		char name[32], cause[ERRNO_TEXT_MAX];
		int err;

		(void)snprintf(name, sizeof(name), "evnic-io%zu", i);
		err = iothread_create(name, &m->iothreads[i]);
		if (err < 0) {
			log_error("iothread %zu: %s", i,
				  errno_text(-err, cause, sizeof(cause)));
			return -1;
		}
		m->n_iothreads++;
	}
	return 0;
}

/* The address that the description gives, or a random one that is locally
 * administered. */
static int nic_mac(const struct nic_config *nic, uint8_t mac[6])
{
	memcpy(mac, nic->guest_mac.bytes, 6);
	if (nic->guest_mac.given)
		return 0;
	if (getrandom(mac, 6, 0) != 6) {
		log_error("%s: no random address: give \"guest_mac\"",
			  nic->iface_id);
		return -1;
	}
	mac[0] = (uint8_t)((mac[0] & 0xfc) | 0x02);
	return 0;
}

static int create_nic(struct machine *m, size_t i)
{
	const struct nic_config *nic = &m->config->nics[i];
	struct loop *loop = m->n_iothreads
				    ? &m->iothreads[i % m->n_iothreads]->loop
				    : &m->loop;
	uint8_t mac[6];
	struct frontend_setup setup = {
		.config = nic,
		.mac = mac,
		.transport = (enum config_transport)m->config->shape.transport,
		.platform = kvm_vm_platform(m->vm),
		.loop = &m->loop,
		.queue_loops = &loop,
		.n_queue_pairs = 1,
	};
	struct kind_error error;

	if (nic_mac(nic, mac) < 0)
		return -1;
	if (endpoint_create(&m->config->backends[nic->endpoint], &m->loop,
			    &error, &m->endpoints[i]) < 0)
		goto failed;
	setup.endpoint = m->endpoints[i];
	if (frontend_create(&setup, &error, &m->frontends[i]) < 0)
		goto failed;
	m->n_frontends++;
	if (!nic->guest_mac.given)
		log_info("%s: guest_mac %02x:%02x:%02x:%02x:%02x:%02x",
			 nic->iface_id, mac[0], mac[1], mac[2], mac[3], mac[4],
			 mac[5]);
	return 0;

failed:
	log_error("%s", error.text);
	return -1;
}

static int build(struct machine *m)
{
	struct kvm_error error;

	if (create_vm(m) < 0 || create_iothreads(m) < 0)
		return -1;
	for (size_t i = 0; i < m->config->n_nics; i++) {
		if (create_nic(m, i) < 0)
			return -1;
	}
	if (kvm_vm_start(m->vm, &error) < 0) {
		vm_failed(m, &error);
		return -1;
	}
	m->vcpus_run = true;
	return 0;
}

static void take_down(struct machine *m)
{
	for (size_t i = 0; i < m->n_iothreads; i++)
		iothread_destroy(m->iothreads[i]);
	for (size_t i = 0; i < m->n_frontends; i++)
		frontend_destroy(m->frontends[i]);
	for (size_t i = 0; i < m->config->n_nics; i++)
		net_endpoint_destroy(m->endpoints[i]);
	kvm_vm_destroy(m->vm);
}

int machine_run(const struct machine_config *config)
{
	struct machine *m = calloc(1, sizeof(*m));
	char cause[ERRNO_TEXT_MAX];
	int err = m ? loop_init(&m->loop) : -ENOMEM;
	int status;

	if (err < 0) {
		log_error("control loop: %s",
			  errno_text(-err, cause, sizeof(cause)));
		free(m);
		return -1;
	}
	m->config = config;
	watch_signals(m);
	if (build(m) < 0) {
		m->status = -1;
		m->give_up.run = give_up_run;
		loop_post(&m->loop, &m->give_up);
	}
	loop_run(&m->loop);
	take_down(m);
	unwatch_signals(m);
	loop_fini(&m->loop);
	status = m->status;
	free(m);
	return status;
}
