/* SPDX-License-Identifier: MIT */
/*
 * Rules about a description that involve more than one key.
 *
 * They run after the reader, over a config in which whatever was wrong in
 * itself has its default. Whether a key was given is asked of the text, so that
 * one mistake is told once.
 */
#include "machine/rules.h"

#include "machine/kinds.h"
#include "machine/patterns.h"

#include <stdarg.h>
#include <string.h>

#define POINTER_MAX 96

/* Was there a value, right or wrong, at NAME/INDEX/KEY? */
static bool given(const struct description *desc, const char *list,
		  size_t index, const char *key)
{
	char pointer[POINTER_MAX];

	(void)snprintf(pointer, sizeof(pointer), "/%s/%zu/%s", list, index,
		       key);
	return description_find(desc, pointer);
}

static bool is_object(const struct description *desc, const char *list,
		      size_t index)
{
	char pointer[POINTER_MAX];

	(void)snprintf(pointer, sizeof(pointer), "/%s/%zu", list, index);
	return cJSON_IsObject(description_find(desc, pointer));
}

static void problem(struct description *desc, const char *list, size_t index,
		    const char *key, const char *fmt, ...) PRINTF_LIKE(5, 6);

static void problem(struct description *desc, const char *list, size_t index,
		    const char *key, const char *fmt, ...)
{
	char pointer[POINTER_MAX], what[256];
	va_list ap;

	(void)snprintf(pointer, sizeof(pointer), "/%s/%zu%s%s", list, index,
		       *key ? "/" : "", key);
	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	description_problem(desc, pointer, "%s", what);
}

static bool same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

#define NICS	 "network-interfaces"
#define BACKENDS "backends"

static void check_backend_twins(struct description *desc, size_t i)
{
	const struct backend_config *b = &desc->config.backends[i];

	for (size_t j = 0; j < i; j++) {
		const struct backend_config *a = &desc->config.backends[j];

		if (same(a->id, b->id))
			problem(desc, BACKENDS, i, "id",
				"is the id of /backends/%zu too: ids must "
				"differ",
				j);
		if (same(a->host_dev_name, b->host_dev_name))
			problem(desc, BACKENDS, i, "host_dev_name",
				"/backends/%zu has this interface already", j);
		if (b->fd != CONFIG_ABSENT && a->fd == b->fd)
			problem(desc, BACKENDS, i, "fd",
				"/backends/%zu has this descriptor already", j);
	}
}

static void check_backends(struct description *desc)
{
	for (size_t i = 0; i < desc->config.n_backends; i++) {
		const struct backend_config *b = &desc->config.backends[i];
		bool name = given(desc, BACKENDS, i, "host_dev_name");
		bool fd = given(desc, BACKENDS, i, "fd");

		check_backend_twins(desc, i);
		if (b->type == endpoint_kind_tap()) {
			if (!name && !fd)
				problem(desc, BACKENDS, i, "",
					"a tap needs \"host_dev_name\" or "
					"\"fd\"");
			if (name && fd)
				problem(desc, BACKENDS, i, "fd",
					"not together with \"host_dev_name\"");
			if (fd && b->create)
				problem(desc, BACKENDS, i, "create",
					"not together with \"fd\"");
		}
	}
}

static void check_nic_twins(struct description *desc, size_t i)
{
	const struct nic_config *b = &desc->config.nics[i];

	for (size_t j = 0; j < i; j++) {
		const struct nic_config *a = &desc->config.nics[j];

		if (same(a->iface_id, b->iface_id))
			problem(desc, NICS, i, "iface_id",
				"is the id of /network-interfaces/%zu too: ids "
				"must differ",
				j);
		if (a->guest_mac.given && b->guest_mac.given &&
		    memcmp(a->guest_mac.bytes, b->guest_mac.bytes, 6) == 0)
			problem(desc, NICS, i, "guest_mac",
				"/network-interfaces/%zu has this address "
				"already",
				j);
		if (same(a->backend, b->backend))
			problem(desc, NICS, i, "backend",
				"/network-interfaces/%zu uses it already: a "
				"backend serves one NIC",
				j);
		if (same(a->host_dev_name, b->host_dev_name))
			problem(desc, NICS, i, "host_dev_name",
				"/network-interfaces/%zu has this interface "
				"already",
				j);
	}
}

/* The backend called @id among the first @n, or @n. */
static size_t backend_index(const struct machine_config *config, size_t n,
			    const char *id)
{
	size_t i = 0;

	while (i < n && !same(config->backends[i].id, id))
		i++;
	return i;
}

/* The NIC's own tap, added to the backends. */
static void add_anonymous_tap(struct description *desc, size_t i,
			      size_t n_named)
{
	struct machine_config *config = &desc->config;
	struct nic_config *nic = &config->nics[i];

	for (size_t j = 0; j < n_named; j++) {
		if (same(config->backends[j].host_dev_name, nic->host_dev_name))
			problem(desc, NICS, i, "host_dev_name",
				"/backends/%zu has this interface already", j);
	}
	nic->endpoint = config->n_backends;
	config->backends[config->n_backends++] = (struct backend_config){
		.id = nic->iface_id,
		.type = endpoint_kind_tap(),
		.host_dev_name = nic->host_dev_name,
		.fd = CONFIG_ABSENT,
		.queue_pairs = CONFIG_ABSENT,
	};
}

/* The NIC's backend has a queue for each of its pairs. */
static void check_queue_pairs(struct description *desc, size_t i)
{
	const struct nic_config *nic = &desc->config.nics[i];
	struct backend_config *backend = &desc->config.backends[nic->endpoint];

	if (backend->type == endpoint_kind_consomme() && nic->queue_pairs > 1)
		problem(desc, NICS, i, "queue_pairs",
			"%lld is more than the one pair that /backends/%zu "
			"has, as every \"consomme\": leave it out, or use a "
			"tap",
			(long long)nic->queue_pairs, nic->endpoint);
	if (backend->queue_pairs == CONFIG_ABSENT)
		backend->queue_pairs = nic->queue_pairs;
	else if (backend->queue_pairs < nic->queue_pairs)
		problem(desc, NICS, i, "queue_pairs",
			"%lld is more than the %lld of /backends/%zu",
			(long long)nic->queue_pairs,
			(long long)backend->queue_pairs, nic->endpoint);
}

static void check_nics(struct description *desc)
{
	struct machine_config *config = &desc->config;
	size_t n_named = config->n_backends;

	for (size_t i = 0; i < config->n_nics; i++) {
		struct nic_config *nic = &config->nics[i];
		bool backend = given(desc, NICS, i, "backend");
		bool name = given(desc, NICS, i, "host_dev_name");
		char text[QUOTED_MAX];

		check_nic_twins(desc, i);
		if (!backend && !name && is_object(desc, NICS, i))
			problem(desc, NICS, i, "",
				"needs \"backend\" or \"host_dev_name\"");
		if (backend && name)
			problem(desc, NICS, i, "host_dev_name",
				"not together with \"backend\"");
		if (nic->host_dev_name)
			add_anonymous_tap(desc, i, n_named);
		else if (nic->backend)
			nic->endpoint =
				backend_index(config, n_named, nic->backend);
		else
			continue;
		if (nic->host_dev_name || nic->endpoint < n_named)
			check_queue_pairs(desc, i);
		else
			problem(desc, NICS, i, "backend",
				"%s is not the id of an entry of /backends",
				quoted(nic->backend, text, sizeof(text)));
	}
}

/* Is @word one of the words of the command line @args? */
static bool has_word(const char *args, const char *word)
{
	size_t len = strlen(word);

	while (*args) {
		size_t n;

		args += strspn(args, " \t\n");
		n = strcspn(args, " \t\n");
		if (n == len && memcmp(args, word, len) == 0)
			return true;
		args += n;
	}
	return false;
}

static void check_shape(struct description *desc)
{
	struct machine_shape *shape = &desc->config.shape;
	bool chosen = description_find(desc, "/machine-config/transport");

	if (shape->huge_pages == CONFIG_HUGE_2M && shape->mem_size_mib % 2)
		description_problem(desc, "/machine-config/mem_size_mib",
				    "%lld is odd: must be a multiple of 2 with "
				    "2M pages",
				    (long long)shape->mem_size_mib);
	if (!desc->config.boot.boot_args ||
	    !has_word(desc->config.boot.boot_args, "pci=off"))
		return;
	if (!chosen)
		shape->transport = CONFIG_MMIO;
	else if (shape->transport == CONFIG_PCI)
		description_problem(desc, "/machine-config/transport",
				    "\"pci\", but boot_args tell the guest "
				    "pci=off: it would find no NIC");
}

static void check_serial(struct description *desc)
{
	if (desc->config.serial.type == CONFIG_SERIAL_FILE &&
	    !description_find(desc, "/serial/path"))
		description_problem(desc, "/serial",
				    "type \"file\" needs \"path\"");
}

static void check_patterns(struct description *desc, const char *list,
			   const struct config_strings *patterns,
			   const char *(*problem_of)(const char *pattern))
{
	char text[QUOTED_MAX];

	for (size_t i = 0; i < patterns->n; i++) {
		const char *what = problem_of(patterns->items[i]);

		if (what)
			problem(desc, list, i, "", "%s: %s",
				quoted(patterns->items[i], text, sizeof(text)),
				what);
	}
}

/* A machine with a consomme may make sockets. */
static void check_sockets(struct description *desc)
{
	struct machine_config *config = &desc->config;
	size_t i = 0;

	while (i < config->n_backends &&
	       config->backends[i].type != endpoint_kind_consomme())
		i++;
	if (i == config->n_backends)
		return;
	if (cJSON_IsFalse(description_find(desc, "/sandbox/sockets")))
		description_problem(desc, "/sandbox/sockets",
				    "false, but /backends/%zu makes sockets: "
				    "leave it out",
				    i);
	config->sandbox.sockets = true;
}

void rules_check(struct description *desc)
{
	check_shape(desc);
	check_serial(desc);
	check_backends(desc);
	check_nics(desc);
	check_sockets(desc);
	rules_check_consomme(desc);
	check_patterns(desc, "sandbox/taps", &desc->config.sandbox.taps,
		       pattern_tap_problem);
	check_patterns(desc, "sandbox/captures", &desc->config.sandbox.captures,
		       pattern_capture_problem);
}
