/* SPDX-License-Identifier: MIT */
/*
 * What a machine that was taken over asks its opener.
 *
 * A stream of operations, each a byte and its operands: messages of any bytes
 * and length, requests that are nearly right, rotators that are asked and closed,
 * and what changes in the directory of captures meanwhile. Whatever comes out is
 * a file of that directory, or a tap that a pattern allows; the directory beside
 * it stays as it is; an error is one line; nothing stays open.
 */
#include "backends/tap_open.h"
#include "fuzz/input.h"
#include "machine/opener_server.h"
#include "machine/patterns.h"
#include "net/rss_bpf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPS_MAX	     64
#define ROTATORS_MAX 4
#define NAME_LEN     24
#define SECRET	     "not for guests"

/* @rotators: the machine's ends; -1: none. */
struct stream {
	struct fuzz_input input;
	struct opener_server server;
	int machine;
	int rotators[ROTATORS_MAX];
	bool low_port; /* is asked for, and not to be had */
};

static char dir[64], caps[80], there[80], secret[96], pattern[96];
static char resolv_conf[96];
static const char *const taps[] = {"ok*"}, *const captures[] = {pattern};
static int caps_fd;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition, const char *what)
{
	if (condition)
		return;
	(void)fprintf(stderr, "opener: %s\n", what);
	abort();
}

/*
 * What would change the host takes the place of the real thing: these come
 * before the libraries'.
 */

int tap_open(const struct tap_request *request, struct tap_opened *tap,
	     struct tap_error *err)
{
	const char *name = request->ifname;

	require(memchr(name, '\0', IFNAMSIZ) != NULL, "a name without end");
	require(pattern_matches("ok*", name) ||
			(strcmp(name, "named0") == 0 && !request->create &&
			 request->max_queues == 2),
		"a tap that is not allowed");
	require(request->max_queues >= 1 &&
			request->max_queues <= CONFIG_MAX_QUEUE_PAIRS,
		"a tap's queues");
	tap->n_fds = 0;
	tap->link_fd = -1;
	if (name[2] == 'e') {
		(void)snprintf(err->text, sizeof(err->text), "%s: no", name);
		return -ENODEV;
	}
	for (size_t i = 0; i < request->max_queues; i++)
		tap->fds[tap->n_fds++] = open("/dev/null", O_RDWR | O_CLOEXEC);
	tap->link_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	return 0;
}

int net_rss_bpf_load(const struct net_rss *rss)
{
	return rss->types & 1 ? open("/dev/null", O_RDWR | O_CLOEXEC) : -EPERM;
}

/*
 * The directories.
 */

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	require(fd >= 0 &&
			write(fd, text, strlen(text)) == (ssize_t)strlen(text),
		"cannot write");
	(void)close(fd);
}

static void empty(int at)
{
	int fd = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fdopendir(fd);
	const struct dirent *entry;

	while ((entry = readdir(d))) {
		if (unlinkat(at, entry->d_name, 0) < 0)
			(void)unlinkat(at, entry->d_name, AT_REMOVEDIR);
	}
	(void)closedir(d);
}

static void remove_all(void)
{
	empty(caps_fd);
	(void)close(caps_fd);
	(void)unlink(secret);
	(void)rmdir(caps);
	(void)rmdir(there);
	(void)rmdir(dir);
}

static void make_directories(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/evnic-fuzz-XXXXXX");
	require(mkdtemp(dir) != NULL, "no directory");
	(void)snprintf(caps, sizeof(caps), "%s/caps", dir);
	(void)snprintf(there, sizeof(there), "%s/there", dir);
	(void)snprintf(secret, sizeof(secret), "%s/secret.x", there);
	(void)snprintf(pattern, sizeof(pattern), "%s/*.x", caps);
	(void)snprintf(resolv_conf, sizeof(resolv_conf), "%s/a.x", caps);
	require(mkdir(caps, 0700) == 0 && mkdir(there, 0700) == 0, "mkdir");
	write_file(secret, SECRET);
	caps_fd = open(caps, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)atexit(remove_all);
}

static void check_there(void)
{
	DIR *d = opendir(there);
	struct stat st;
	size_t n = 0;

	while (readdir(d))
		n++;
	(void)closedir(d);
	require(n == 3, "something was made elsewhere");
	require(stat(secret, &st) == 0 && st.st_size == strlen(SECRET),
		"the secret was changed");
}

/*
 * Replies.
 */

static void check_capture(int fd)
{
	char link[32], path[256];
	struct stat st;
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	require(n > 0, "no path");
	path[n] = '\0';
	require(fstat(fd, &st) == 0 && S_ISREG(st.st_mode), "not a file");
	require(strncmp(path, caps, strlen(caps)) == 0 &&
			path[strlen(caps)] == '/' &&
			!strchr(path + strlen(caps) + 1, '/'),
		"a file elsewhere");
	require(st.st_size == 0, "it was not emptied");
}

static void keep_rotator(struct stream *s, int fd)
{
	for (size_t i = 0; i < ROTATORS_MAX; i++) {
		if (s->rotators[i] < 0) {
			s->rotators[i] = fd;
			return;
		}
	}
	(void)close(fd);
}

static size_t take_fds(struct msghdr *msg, int *fds)
{
	const struct cmsghdr *head = CMSG_FIRSTHDR(msg);
	size_t n;

	if (!head)
		return 0;
	n = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(head), n * sizeof(int));
	return n;
}

static void read_reply(struct stream *s, int from, bool capture)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(OPENER_FDS_MAX * sizeof(int))];
	} control;
	struct opener_reply reply;
	struct iovec iov = {&reply, sizeof(reply)};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	int fds[OPENER_FDS_MAX];
	size_t n;

	if (recvmsg(from, &msg, MSG_DONTWAIT) <= 0)
		return;
	n = take_fds(&msg, fds);
	require(n == reply.n_fds, "the number of descriptors");
	require(!msg.msg_flags, "a reply that is cut");
	require(reply.err <= 0 && (reply.err == 0 || n == 0), "the error");
	require(memchr(reply.text, '\0', sizeof(reply.text)) != NULL,
		"a text without end");
	for (const char *c = reply.text; *c; c++)
		require((unsigned char)*c >= ' ', "not one line");
	require(!s->low_port || n == 0, "a port that is the system's");
	if (capture && n > 0)
		check_capture(fds[0]);
	if (capture && n > 1)
		keep_rotator(s, fds[--n]);
	while (n > 0)
		(void)close(fds[--n]);
}

/*
 * Operations.
 */

static uint64_t take(struct stream *s, size_t n)
{
	return fuzz_take(&s->input, n);
}

static void take_bytes(struct stream *s, void *to, size_t n)
{
	n = MIN(n, s->input.size);
	memcpy(to, s->input.data, n);
	s->input.data += n;
	s->input.size -= n;
}

static void send_to(struct stream *s, int to, const void *bytes, size_t n,
		    bool capture)
{
	if (to < 0 || send(to, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return;
	(void)opener_server_serve(&s->server);
	read_reply(s, to, capture);
}

static void ask(struct stream *s, int to, const struct opener_request *request)
{
	send_to(s, to, request, sizeof(*request),
		request->kind == OPENER_ASK_CAPTURE);
}

/* One of those that lie about, or one of the input's. */
static void take_name(struct stream *s, char name[NAME_LEN])
{
	static const char *const known[] = {
		"a.x", "b.x", "link.x", "dir.x",  "fifo.x", "a.x.1",
		"..",  ".",   "ok0",	"named0", "okerr",  ""};
	size_t i = take(s, 1);

	memset(name, 0, NAME_LEN);
	if (i < ARRAY_SIZE(known))
		(void)snprintf(name, NAME_LEN, "%s", known[i]);
	else
		take_bytes(s, name, MIN(i % NAME_LEN, (size_t)NAME_LEN - 1));
}

static void op_raw(struct stream *s)
{
	static char bytes[sizeof(struct opener_request) + 64];
	size_t n = 1 + take(s, 2) % (sizeof(bytes) - 1);

	memset(bytes, 0, sizeof(bytes));
	take_bytes(s, bytes, MIN(n, (size_t)64));
	send_to(s, s->machine, bytes, n, false);
}

static void op_tap(struct stream *s)
{
	struct opener_request request = {.kind = OPENER_ASK_TAP};
	char name[NAME_LEN];

	take_name(s, name);
	memcpy(request.u.tap.ifname, name, sizeof(request.u.tap.ifname));
	request.u.tap.fd = (int64_t)take(s, 1) - 128;
	request.u.tap.queue_pairs = (uint32_t)(int8_t)take(s, 1);
	request.u.tap.create = (uint8_t)take(s, 1);
	ask(s, s->machine, &request);
}

static void op_steering(struct stream *s)
{
	struct opener_request request = {.kind = OPENER_ASK_STEERING};

	take_bytes(s, &request.u.steering, 64);
	ask(s, s->machine, &request);
}

static void op_capture(struct stream *s)
{
	const char *const directories[] = {caps, there, dir, "", ".", "/proc"};
	static struct opener_request request;
	size_t i = take(s, 1) % ARRAY_SIZE(directories);
	char name[NAME_LEN];

	take_name(s, name);
	memset(&request, 0, sizeof(request));
	request.kind = OPENER_ASK_CAPTURE;
	request.u.capture.files = (uint32_t)(int16_t)take(s, 2);
	(void)snprintf(request.u.capture.path, sizeof(request.u.capture.path),
		       "%s/%s", directories[i], name);
	ask(s, s->machine, &request);
}

static void op_rotate(struct stream *s)
{
	static struct opener_request request;

	request.kind = OPENER_ASK_CAPTURE;
	if (!take(s, 1))
		request.kind = (uint32_t)take(s, 1);
	ask(s, s->rotators[take(s, 1) % ROTATORS_MAX], &request);
}

static void op_close_rotator(struct stream *s)
{
	close_fd(&s->rotators[take(s, 1) % ROTATORS_MAX]);
	(void)opener_server_serve(&s->server);
}

static void op_thing(struct stream *s)
{
	struct opener_request request = {.kind = OPENER_ASK_THING};

	request.u.thing.thing = (uint32_t)take(s, 1);
	if (request.u.thing.thing != OPENER_KVM)
		ask(s, s->machine, &request);
}

/* Somebody changes the directory. */
static void op_change(struct stream *s)
{
	char name[NAME_LEN];

	take_name(s, name);
	if (!*name || strchr(name, '/') || *name == '.')
		return;
	if (unlinkat(caps_fd, name, 0) < 0)
		(void)unlinkat(caps_fd, name, AT_REMOVEDIR);
	switch (take(s, 1) % 5) {
	case 0:
		if (symlinkat(secret, caps_fd, name) < 0)
			return;
		break;
	case 1:
		(void)mkdirat(caps_fd, name, 0700);
		break;
	case 2:
		(void)mkfifoat(caps_fd, name, 0600);
		break;
	case 3:
		if (symlinkat("../there/new", caps_fd, name) < 0)
			return;
		break;
	default:
		break;
	}
}

/* Ports that a system keeps are not in reach, whoever runs this; nobody hears
 * of the others. */
static void op_listen(struct stream *s)
{
	struct opener_request request = {.kind = OPENER_ASK_LISTEN};
	struct opener_listen_request *listen = &request.u.listen;

	listen->proto = (uint32_t)(int8_t)take(s, 1);
	listen->port = (uint16_t)take(s, 2);
	if (take(s, 1) & 1)
		take_bytes(s, listen->addr, sizeof(listen->addr));
	else
		*listen = (struct opener_listen_request){
			.proto = listen->proto,
			.addr = {[10] = 0xff, 0xff, 127, 0, 0, 1},
			.port = listen->port,
		};
	s->low_port = listen->port < 1024;
	ask(s, s->machine, &request);
	s->low_port = false;
}

static void op_resolv_conf(struct stream *s)
{
	struct opener_request request = {.kind = OPENER_ASK_RESOLV_CONF};

	take_bytes(s, &request.u, 4);
	ask(s, s->machine, &request);
}

static void (*const ops[])(struct stream *s) = {
	op_raw,		  op_tap,   op_steering, op_capture, op_rotate,
	op_close_rotator, op_thing, op_change,	 op_listen,  op_resolv_conf,
};

static void begin(struct stream *s)
{
	static const struct machine_config config = {
		.boot.kernel_image_path = secret,
		.serial.type = CONFIG_SERIAL_NONE,
		.sandbox.sockets = true,
		.sandbox.taps = {.items = taps, .n = 1},
		.sandbox.captures = {.items = captures, .n = 1},
		.backends = {{.id = "b",
			      .host_dev_name = "named0",
			      .fd = CONFIG_ABSENT,
			      .queue_pairs = 2},
			     {.id = "c", .fd = 99}},
		.n_backends = 2,
	};
	static const struct launch_options options = {.ready_fd = -1};
	const struct opener_channel channel = {0};
	struct opener_error error;

	opener_server_init(&s->server, &config, &options);
	/* A retry is for the start. */
	s->server.ready = true;
	s->server.resolv_conf = resolv_conf;
	require(opener_captures_init(&s->server, &error) == 0, error.text);
	s->machine = opener_server_add(&s->server, &channel);
	require(s->machine >= 0, "no socket pair");
	for (size_t i = 0; i < ROTATORS_MAX; i++)
		s->rotators[i] = -1;
}

static void end(struct stream *s)
{
	struct pollfd fds[OPENER_CHANNELS_MAX];

	close_fd(&s->machine);
	for (size_t i = 0; i < ROTATORS_MAX; i++)
		close_fd(&s->rotators[i]);
	(void)opener_server_serve(&s->server);
	require(opener_server_poll(&s->server, fds) == 0,
		"a channel without another end");
	opener_server_fini(&s->server);
}

/* The lowest that is free: what was open then is closed. */
static int next_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)close(fd);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct stream s;
	int free_fd;

	if (!*dir)
		make_directories();
	empty(caps_fd);
	free_fd = next_fd();
	s.input = (struct fuzz_input){data, size};
	begin(&s);
	for (unsigned int i = 0; i < OPS_MAX && s.input.size; i++)
		ops[take(&s, 1) % ARRAY_SIZE(ops)](&s);
	end(&s);
	check_there();
	require(next_fd() == free_fd, "a descriptor is left open");
	return 0;
}
