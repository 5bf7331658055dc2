/* SPDX-License-Identifier: MIT */
/*
 * How a backend of type "consomme" is made. Sockets that listen come from the
 * opener, the others the machine makes by itself, if it may.
 */
#include "machine/consomme_netdev.h"

#include "machine/consomme_setup.h"
#include "machine/opener.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int listen_cb(void *arg, const struct consomme_forward *forward,
		     uint16_t i, char *error, size_t size)
{
	struct opener *opener = arg;
	struct opener_error cause;
	int fd;

	if (!opener) {
		(void)snprintf(error, size, "nobody opens sockets here");
		return -ENOTSUP;
	}
	fd = opener_listen(opener, forward, i, &cause);
	if (fd < 0)
		(void)snprintf(error, size, "%s", cause.text);
	return fd;
}

/* The first problem is the error. */
static void problem_cb(void *arg, const char *key, const char *what)
{
	struct kind_error *error = arg;

	if (!*error->text)
		(void)snprintf(error->text, sizeof(error->text), "%s%s%s", key,
			       *key ? ": " : "", what);
}

static int create(const struct endpoint_setup *setup,
		  struct consomme_setup *made, struct kind_error *error,
		  struct net_endpoint **out)
{
	const struct backend_config *backend = setup->config;
	struct consomme_config *config = &made->config;
	char cause[CONSOMME_ERROR_MAX] = "";
	struct kind_error wrong = {""};
	int err = -EINVAL;

	if (consomme_setup_read(made, &backend->consomme, setup->mtu,
				problem_cb, &wrong)) {
		config->name = backend->id;
		config->listen = listen_cb;
		config->arg = setup->opener;
		err = consomme_endpoint_create(config, setup->loop, cause, out);
	}
	if (err < 0)
		(void)snprintf(error->text, sizeof(error->text), "%s: %.440s",
			       backend->id, *cause ? cause : wrong.text);
	return err;
}

int consomme_netdev_create(const struct endpoint_setup *setup,
			   struct kind_error *error, struct net_endpoint **out)
{
	struct consomme_setup *made;
	int err;

	if (!setup->sockets) {
		(void)snprintf(error->text, sizeof(error->text),
			       "%s: this machine may not make sockets: start "
			       "it with \"sandbox\": {\"sockets\": true}, or "
			       "with a backend of type \"consomme\"",
			       setup->config->id);
		return -EACCES;
	}
	made = calloc(1, sizeof(*made));
	if (!made) {
		(void)snprintf(error->text, sizeof(error->text),
			       "%s: out of memory", setup->config->id);
		return -ENOMEM;
	}
	err = create(setup, made, error, out);
	free(made);
	return err;
}
