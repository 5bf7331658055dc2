/* SPDX-License-Identifier: MIT */
/*
 * A running machine: what it is made of, and whom its parts tell what.
 *
 * The calling thread runs the control loop, which owns everything here. It is
 * built in the order VM, NICs with their threads and backends, and taken down
 * the other way round. In between life.c has its states.
 */
#include "machine/machine.h"

#include "base/log.h"
#include "base/log_output.h"
#include "kvm/vm.h"
#include "machine/commands.h"
#include "machine/fd_limit.h"
#include "machine/life.h"
#include "machine/logger.h"
#include "machine/metrics.h"
#include "machine/nics.h"
#include "machine/opener.h"
#include "machine/tree.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

static const int end_signals[] = {SIGTERM, SIGINT, SIGHUP};

struct machine {
	const struct machine_config *config;
	struct opener *opener;
	struct loop loop;
	ev_io opener_gone;
	ev_signal signals[ARRAY_SIZE(end_signals)];
	struct log_limit resets;
	struct kvm_vm *vm;
	struct nics *nics;
	struct life life;
	struct commands *commands; /* NULL: no control socket */
	struct http_page *metrics; /* NULL: no metrics socket */
	ev_signal dump_signal;
	struct tree_dump dump;
	bool signalled;
	int status; /* 0 or -1 */
};

/* Was evnic started by nohup(1)? */
static bool hangup_ignored(void)
{
	struct sigaction now;

	return sigaction(SIGHUP, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

void machine_signals(sigset_t *set)
{
	(void)sigemptyset(set);
	(void)sigaddset(set, SIGUSR1);
	for (size_t i = 0; i < ARRAY_SIZE(end_signals); i++)
		if (end_signals[i] != SIGHUP || !hangup_ignored() ||
		    logger_hears_hangup())
			(void)sigaddset(set, end_signals[i]);
}

/* The opener has a new log file; lines of this process go there, too. */
static void reopen_log(struct machine *m)
{
	struct opener_error error;
	char cause[ERRNO_TEXT_MAX];
	int err;

	if (!m->config->logger.log_path)
		return;
	err = opener_open(m->opener, OPENER_LOG, &error);
	if (err >= 0)
		err = log_output_replace(err);
	if (err < 0)
		log_error("signal HUP: lines go to the old log file: %s",
			  errno_text(-err, cause, sizeof(cause)));
	else
		log_info("signal HUP: the log goes on here");
	opener_ready(m->opener);
}

static void signal_cb(struct ev_loop *ev, ev_signal *w, int revents)
{
	struct machine *m = w->data;

	UNUSED(ev);
	UNUSED(revents);
	if (w->signum == SIGHUP && logger_hears_hangup()) {
		reopen_log(m);
		return;
	}
	/* A terminal's arrives twice: from the opener, and by itself. */
	if (!m->signalled)
		log_info("signal %s: the machine ends",
			 sigabbrev_np(w->signum));
	m->signalled = true;
	life_end(&m->life, LIFE_HOST_SIGNAL);
}

static void dump_signal_cb(struct ev_loop *ev, ev_signal *w, int revents)
{
	struct machine *m = container_of(w, struct machine, dump_signal);
	const struct tree tree = {
		.vm = m->vm,
		.nics = m->nics,
		.life = &m->life,
	};

	UNUSED(ev);
	UNUSED(revents);
	tree_dump(&m->dump, &tree);
}

static void vm_event_cb(void *arg, enum kvm_vm_event event, const char *text)
{
	struct machine *m = arg;
	bool again = m->config->shape.on_reset == CONFIG_RESET_RESTART;

	switch (event) {
	case KVM_VM_POWER_OFF:
		log_info("the guest powered off");
		life_end(&m->life, LIFE_GUEST_SHUTDOWN);
		break;
	case KVM_VM_RESET:
		log_limited(&m->resets, LOG_LEVEL_INFO,
			    "the guest reset itself%s",
			    again ? ": it is booted again" : "");
		if (again)
			life_reset(&m->life, LIFE_GUEST_RESET);
		else
			life_end(&m->life, LIFE_GUEST_RESET);
		break;
	case KVM_VM_QUIT:
		log_info("ended from the console");
		life_end(&m->life, LIFE_HOST_UI);
		break;
	case KVM_VM_ERROR:
		log_error("%s", text);
		m->status = -1;
		life_end(&m->life, LIFE_HOST_ERROR);
		break;
	}
}

static void paused_cb(void *arg, bool paused)
{
	struct machine *m = arg;

	commands_paused(m->commands, paused);
}

static void reset_cb(void *arg, enum life_cause cause)
{
	struct machine *m = arg;

	commands_reset(m->commands, cause);
}

static void ended_cb(void *arg, enum life_cause cause, const char *error)
{
	struct machine *m = arg;

	if (error) {
		log_error("%s", error);
		m->status = -1;
	}
	commands_ended(m->commands, cause);
	loop_stop(&m->loop);
}

static const struct life_client life_client = {
	.paused = paused_cb,
	.reset = reset_cb,
	.ended = ended_cb,
};

static void nic_event_cb(void *arg, const char *id,
			 const struct net_event *event)
{
	struct machine *m = arg;

	commands_nic_event(m->commands, id, event);
}

static void nic_capture_ended_cb(void *arg, const char *id,
				 const struct capture_end *end)
{
	struct machine *m = arg;

	log_warn("%s: the capture has ended: %s", id, end->cause);
	commands_capture_ended(m->commands, id, end);
}

static void nic_deleted_cb(void *arg, const char *id)
{
	struct machine *m = arg;

	commands_deleted(m->commands, id);
}

static const struct nics_client nics_client = {
	.event = nic_event_cb,
	.capture_ended = nic_capture_ended_cb,
	.deleted = nic_deleted_cb,
};

static void opener_gone_cb(struct ev_loop *ev, ev_io *w, int revents)
{
	struct machine *m = container_of(w, struct machine, opener_gone);

	UNUSED(revents);
	ev_io_stop(ev, w);
	log_error("the opener has gone: the machine ends");
	m->status = -1;
	life_end(&m->life, LIFE_HOST_ERROR);
}

static void watch_signals(struct machine *m)
{
	sigset_t set;

	machine_signals(&set);
	for (size_t i = 0; i < ARRAY_SIZE(end_signals); i++) {
		ev_signal_init(&m->signals[i], signal_cb, end_signals[i]);
		m->signals[i].data = m;
		if (sigismember(&set, end_signals[i]))
			ev_signal_start(m->loop.ev, &m->signals[i]);
	}
	ev_signal_init(&m->dump_signal, dump_signal_cb, SIGUSR1);
	ev_signal_start(m->loop.ev, &m->dump_signal);
	ev_io_init(&m->opener_gone, opener_gone_cb, opener_fd(m->opener),
		   EV_READ);
	ev_io_start(m->loop.ev, &m->opener_gone);
	(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* Whatever arrives from now on waits for the end of the process. */
static void unwatch_signals(struct machine *m)
{
	sigset_t set;

	machine_signals(&set);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	ev_io_stop(m->loop.ev, &m->opener_gone);
	ev_signal_stop(m->loop.ev, &m->dump_signal);
	for (size_t i = 0; i < ARRAY_SIZE(end_signals); i++)
		ev_signal_stop(m->loop.ev, &m->signals[i]);
}

/* 0 or -1, after a log line. */
static int open_thing(struct machine *m, enum opener_thing thing, int *fd)
{
	struct opener_error error;

	*fd = opener_open(m->opener, thing, &error);
	if (*fd >= 0)
		return 0;
	log_error("%s", error.text);
	return -1;
}

/* Standard input and output. A machine runs without, too. */
static void open_stdio(struct machine *m, struct kvm_vm_config *config)
{
	struct opener_error error;

	config->files.console_out =
		opener_open(m->opener, OPENER_CONSOLE_OUT, &error);
	if (config->files.console_out < 0)
		log_warn("console: %s; the guest's output is discarded",
			 error.text);
	config->files.console_in =
		opener_console_in(m->opener, &config->console_is_terminal);
}

static int open_files(struct machine *m, struct kvm_vm_config *config)
{
	struct kvm_vm_files *files = &config->files;
	int serial = m->config->serial.type;

	if (open_thing(m, OPENER_KVM, &files->kvm) < 0 ||
	    open_thing(m, OPENER_KERNEL, &files->kernel) < 0)
		return -1;
	if (config->initrd_path &&
	    open_thing(m, OPENER_INITRD, &files->initrd) < 0)
		return -1;
	if (serial == CONFIG_SERIAL_FILE)
		return open_thing(m, OPENER_SERIAL, &files->console_out);
	if (serial == CONFIG_SERIAL_STDIO)
		open_stdio(m, config);
	return 0;
}

static int create_vm(struct machine *m)
{
	const struct machine_config *c = m->config;
	struct kvm_vm_config config = {
		.files = KVM_VM_NO_FILES,
		.mem_size = (uint64_t)c->shape.mem_size_mib << 20,
		.huge_pages = c->shape.huge_pages == CONFIG_HUGE_2M,
		.prefault = c->shape.prefault,
		.n_vcpus = (unsigned int)c->shape.vcpu_count,
		.kernel_path = c->boot.kernel_image_path,
		.initrd_path = c->boot.initrd_path,
		.cmdline = c->boot.boot_args,
	};
	struct kvm_error error;

	if (open_files(m, &config) < 0) {
		kvm_vm_files_close(&config.files);
		return -1;
	}
	if (kvm_vm_create(&m->loop, &config, vm_event_cb, m, &m->vm, &error) <
	    0) {
		log_error("%s", error.text);
		return -1;
	}
	return 0;
}

static int create_nics(struct machine *m)
{
	const struct nics_config config = {
		.loop = &m->loop,
		.opener = m->opener,
		.platform = kvm_vm_platform(m->vm),
		.machine = m->config,
		.client = &nics_client,
		.arg = m,
	};
	struct kind_error error = {""};

	if (nics_create(&config, &error, &m->nics) < 0) {
		log_error("%s", error.text);
		return -1;
	}
	return 0;
}

static int no_memory(const char *what)
{
	log_error("%s: out of memory", what);
	return -1;
}

static int create_commands(struct machine *m)
{
	struct commands_config config = {
		.loop = &m->loop,
		.opener = m->opener,
		.path = m->config->control_socket,
		.vm = m->vm,
		.nics = m->nics,
		.life = &m->life,
	};

	if (!config.path)
		return 0;
	if (open_thing(m, OPENER_CONTROL, &config.fd) < 0)
		return -1;
	if (commands_create(&config, &m->commands) == 0)
		return 0;
	close_fd(&config.fd);
	return no_memory(config.path);
}

static int create_metrics(struct machine *m)
{
	const char *path = m->config->metrics_socket;
	int fd;

	if (!path)
		return 0;
	if (open_thing(m, OPENER_METRICS, &fd) < 0)
		return -1;
	if (metrics_create(&m->loop, fd, path, m->nics, &m->metrics) == 0)
		return 0;
	close_fd(&fd);
	return no_memory(path);
}

static int build(struct machine *m)
{
	if (create_vm(m) < 0 || create_nics(m) < 0)
		return -1;
	fd_limit_tell(m->config, opener_fd(m->opener));
	life_init(&m->life, m->vm, m->nics, &life_client, m);
	return create_commands(m) < 0 ? -1 : create_metrics(m);
}

int machine_run(const struct machine_config *config, struct opener *opener)
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
	m->opener = opener;
	if (build(m) == 0) {
		watch_signals(m);
		life_start(&m->life);
		if (life_is_running(&m->life))
			opener_ready(opener);
		loop_run(&m->loop);
		unwatch_signals(m);
	} else {
		m->status = -1;
	}
	http_page_destroy(m->metrics);
	nics_destroy(m->nics);
	tree_dump_fini(&m->dump);
	commands_destroy(m->commands);
	kvm_vm_destroy(m->vm);
	loop_fini(&m->loop);
	status = m->status;
	free(m);
	return status;
}
