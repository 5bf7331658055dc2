/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that a client passes: they come with any bytes, wait in the order
 * of their arrival, and get a name from getfd, the oldest first. Too many of
 * either are closed or refused.
 */
#include "machine/qmp_call.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

void qmp_fds_add(struct qmp_fds *fds, int fd)
{
	if (fds->n_received < QMP_FDS_MAX)
		fds->received[fds->n_received++] = fd;
	else
		close_fd(&fd);
}

static struct qmp_named_fd *find(struct qmp_fds *fds, const char *name)
{
	for (size_t i = 0; i < fds->n_named; i++) {
		if (strcmp(fds->named[i].name, name) == 0)
			return &fds->named[i];
	}
	return NULL;
}

static int take_oldest(struct qmp_fds *fds)
{
	int fd = fds->received[0];

	fds->n_received--;
	memmove(&fds->received[0], &fds->received[1],
		fds->n_received * sizeof(fds->received[0]));
	return fd;
}

int qmp_fds_name(struct qmp_fds *fds, const char *name)
{
	struct qmp_named_fd *named = find(fds, name);
	int fd;

	if (fds->n_received == 0)
		return -EBADF;
	fd = take_oldest(fds);
	if (*name == '\0' || isdigit((unsigned char)*name) ||
	    strlen(name) >= sizeof(named->name)) {
		close_fd(&fd);
		return -EINVAL;
	}
	if (named) {
		close_fd(&named->fd);
	} else if (fds->n_named < QMP_FD_NAMES_MAX) {
		named = &fds->named[fds->n_named++];
		(void)snprintf(named->name, sizeof(named->name), "%s", name);
	} else {
		close_fd(&fd);
		return -ENOSPC;
	}
	named->fd = fd;
	return 0;
}

int qmp_fds_take(struct qmp_fds *fds, const char *name)
{
	struct qmp_named_fd *named = find(fds, name);
	int fd;

	if (!named)
		return -ENOENT;
	fd = named->fd;
	*named = fds->named[--fds->n_named];
	return fd;
}

void qmp_fds_fini(struct qmp_fds *fds)
{
	for (size_t i = 0; i < fds->n_received; i++)
		close_fd(&fds->received[i]);
	for (size_t i = 0; i < fds->n_named; i++)
		close_fd(&fds->named[i].fd);
	fds->n_received = 0;
	fds->n_named = 0;
}
