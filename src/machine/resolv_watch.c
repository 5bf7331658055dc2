/* SPDX-License-Identifier: MIT */
/*
 * The host's resolv.conf.
 *
 * The opener gives the file and a descriptor that becomes readable when there is
 * something new. That is not read: after a short while, in which whoever writes
 * comes to an end, both are asked for again. What is the same as before is told
 * to nobody.
 */
#include "machine/resolv_watch.h"

#include "base/log.h"
#include "machine/opener.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* More than any resolver reads. */
#define TEXT_MAX 16384

#define SETTLE_SECONDS 0.2

/* @err: what was told last, 0 or -errno. */
struct resolv_watch {
	struct loop *loop;
	struct opener *opener;
	void (*changed)(void *arg, const char *text);
	void *arg;
	int fd;
	int err;
	ev_io io;
	ev_timer settle;
	char text[TEXT_MAX];
};

/* Reads all of @fd into @text; what is too long is left out. */
static void read_text(int fd, char text[TEXT_MAX])
{
	size_t used = 0;
	ssize_t n = 0;

	do {
		used += (size_t)n;
		n = pread(fd, text + used, TEXT_MAX - 1 - used, (off_t)used);
	} while (n > 0);
	text[used] = '\0';
	/* Not beyond a 0 in it. */
	memset(text + strlen(text), 0, TEXT_MAX - strlen(text));
}

/* Other files of the same directory come and go: what stays as it is is told
 * once. */
static void tell(struct resolv_watch *w, int err)
{
	char cause[ERRNO_TEXT_MAX];

	if (err < 0 && err != w->err)
		log_warn("resolv.conf: %s: the host's name servers are not "
			 "known; give \"dns_servers\"",
			 errno_text(-err, cause, sizeof(cause)));
	w->err = err;
}

static void ask(struct resolv_watch *w, char text[TEXT_MAX])
{
	int fd = opener_resolv_conf(w->opener, &w->fd);

	memset(text, 0, TEXT_MAX);
	tell(w, MIN(fd, 0));
	if (fd >= 0)
		read_text(fd, text);
	close_fd(&fd);
	if (w->fd < 0) {
		log_warn("resolv.conf: it cannot be watched: changes are not "
			 "seen; raise sysctl fs.inotify.max_user_instances");
		return;
	}
	ev_io_set(&w->io, w->fd, EV_READ);
	ev_io_start(w->loop->ev, &w->io);
}

static void readable_cb(struct ev_loop *ev, ev_io *io, int revents)
{
	struct resolv_watch *w = container_of(io, struct resolv_watch, io);

	UNUSED(revents);
	ev_io_stop(ev, io);
	ev_timer_set(&w->settle, SETTLE_SECONDS, 0.);
	ev_timer_start(ev, &w->settle);
}

static void settled_cb(struct ev_loop *ev, ev_timer *timer, int revents)
{
	struct resolv_watch *w =
		container_of(timer, struct resolv_watch, settle);
	char *text = malloc(TEXT_MAX);

	UNUSED(ev);
	UNUSED(revents);
	if (!text)
		return;
	close_fd(&w->fd);
	ask(w, text);
	if (strcmp(text, w->text) != 0) {
		memcpy(w->text, text, TEXT_MAX);
		log_info("resolv.conf has changed");
		w->changed(w->arg, w->text);
	}
	free(text);
}

int resolv_watch_create(struct loop *loop, struct opener *opener,
			void (*changed)(void *arg, const char *text), void *arg,
			struct resolv_watch **out)
{
	struct resolv_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->loop = loop;
	w->opener = opener;
	w->changed = changed;
	w->arg = arg;
	w->fd = -1;
	ev_io_init(&w->io, readable_cb, -1, EV_READ);
	ev_timer_init(&w->settle, settled_cb, 0., 0.);
	ask(w, w->text);
	*out = w;
	return 0;
}

const char *resolv_watch_text(const struct resolv_watch *watch)
{
	return watch->text;
}

void resolv_watch_destroy(struct resolv_watch *watch)
{
	if (!watch)
		return;
	ev_io_stop(watch->loop->ev, &watch->io);
	ev_timer_stop(watch->loop->ev, &watch->settle);
	close_fd(&watch->fd);
	free(watch);
}
