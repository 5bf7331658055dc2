/* SPDX-License-Identifier: MIT */
/*
 * TCP traffic between guest and host.
 *
 * A flow begins with four bytes from the guest: what it is for, and its number.
 * The server answers with one byte, by which the guest knows that the path is
 * there both ways. From then on a flow is a source, a sink or an echo, and each
 * side is one epoll loop over its flows. Round trips are made with blocking
 * calls instead, so that they take no more than they have to.
 *
 * Flows end by RST, which leaves no TIME_WAIT behind.
 */
#include "load.h"

#include "base/util.h"
#include "child.h"
#include "two_hosts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define BACKLOG	     4096
#define SEND_LEN     (128 << 10)
#define RECEIVE_LEN  (256 << 10)
#define EVENTS_MAX   64
#define TICK_MS	     50 /* how often a load looks if it is to end */
#define WAIT_MS	     120000
#define TRIP_SECONDS 10
/* Connections under way at once. */
#define CONNECTING_MAX 32

/* What all processes share. */
struct board {
	atomic_bool stop;
	_Atomic uint64_t bytes[LOAD_FLOWS_MAX];
	atomic_size_t n_trips;
	uint32_t trips[LOAD_LATENCIES_MAX];
};

enum role {
	ROLE_LISTEN,
	ROLE_OPENING, /* the opening, or its answer, has not come */
	ROLE_SOURCE,
	ROLE_SINK,
	ROLE_ECHO,
};

struct flow {
	int fd;
	enum role role;
	struct load_opening opening;
	size_t got;
};

static struct board *board;
static pid_t server = -1, load = -1;
static int load_pipe = -1;
static int epoll = -1;
static char data[RECEIVE_LEN];

/* In the load's process: where to tell, how many flows are connecting and are
 * ready, and of how many. */
static int tell_fd = -1;
static unsigned int connecting, ready, wanted;

static _Noreturn void load_fail(const char *what)
{
	char text[ERRNO_TEXT_MAX];

	(void)dprintf(tell_fd, "%s: %s", what,
		      errno_text(errno, text, sizeof(text)));
	_exit(EXIT_FAILURE);
}

static void watch(struct flow *flow, uint32_t events, bool new)
{
	struct epoll_event event = {.events = events, .data.ptr = flow};

	if (epoll_ctl(epoll, new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, flow->fd,
		      &event) < 0)
		load_fail("epoll_ctl");
}

static struct flow *flow_new(int fd, enum role role, uint32_t events)
{
	struct flow *flow = calloc(1, sizeof(*flow));

	if (!flow)
		load_fail("memory");
	flow->fd = fd;
	flow->role = role;
	watch(flow, events, true);
	return flow;
}

static void reset_on_close(int fd)
{
	struct linger linger = {.l_onoff = 1};

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

static void no_delay(int fd)
{
	int one = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

/* False: the flow has ended. */
static bool flow_read(struct flow *flow)
{
	ssize_t n = recv(flow->fd, data, sizeof(data), 0);

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	atomic_fetch_add_explicit(&board->bytes[flow->opening.flow], n,
				  memory_order_relaxed);
	if (flow->role != ROLE_ECHO)
		return true;
	return send(flow->fd, data, (size_t)n, MSG_NOSIGNAL) == n;
}

static bool flow_write(struct flow *flow)
{
	ssize_t n = send(flow->fd, data, SEND_LEN, MSG_NOSIGNAL);

	return n > 0 || errno == EAGAIN || errno == EINTR;
}

/* The server's side: the opening is read and answered. */
static bool server_open(struct flow *flow)
{
	ssize_t n = recv(flow->fd, (char *)&flow->opening + flow->got,
			 sizeof(flow->opening) - flow->got, 0);

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	flow->got += (size_t)n;
	if (flow->got < sizeof(flow->opening))
		return true;
	if (flow->opening.flow >= LOAD_FLOWS_MAX ||
	    send(flow->fd, "", 1, MSG_NOSIGNAL) != 1)
		return false;
	flow->role = flow->opening.kind == LOAD_SEND	  ? ROLE_SINK
		     : flow->opening.kind == LOAD_RECEIVE ? ROLE_SOURCE
							  : ROLE_ECHO;
	if (flow->role == ROLE_SOURCE)
		watch(flow, EPOLLOUT, false);
	return true;
}

static bool server_accept(const struct flow *listener)
{
	int fd =
		accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return true;
	no_delay(fd);
	(void)flow_new(fd, ROLE_OPENING, EPOLLIN);
	return true;
}

static bool server_event(struct flow *flow)
{
	switch (flow->role) {
	case ROLE_LISTEN:
		return server_accept(flow);
	case ROLE_OPENING:
		return server_open(flow);
	case ROLE_SOURCE:
		return flow_write(flow);
	default:
		return flow_read(flow);
	}
}

static _Noreturn void serve(int listener)
{
	struct epoll_event events[EVENTS_MAX];

	epoll = epoll_create1(EPOLL_CLOEXEC);
	(void)flow_new(listener, ROLE_LISTEN, EPOLLIN);
	for (;;) {
		int n = epoll_wait(epoll, events, EVENTS_MAX, -1);

		for (int i = 0; i < n; i++) {
			struct flow *flow = events[i].data.ptr;

			if (server_event(flow))
				continue;
			(void)close(flow->fd);
			free(flow);
		}
	}
}

static int listen_on_port(void)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(LOAD_PORT),
	};
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(fd, BACKLOG) < 0)
		two_hosts_fail("the server's port");
	return fd;
}

/* A process that ends with this one. */
static pid_t start_process(void)
{
	pid_t pid;

	(void)fflush(NULL);
	pid = fork();
	if (pid < 0)
		two_hosts_fail("fork");
	if (!pid)
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

void load_init(void)
{
	int listener = listen_on_port();

	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (board == MAP_FAILED)
		two_hosts_fail("memory");
	server = start_process();
	if (!server)
		serve(listener);
	(void)close(listener);
}

/* In the load's process from here on. */

static void tell_ready(void)
{
	if (write(tell_fd, "", 1) != 1)
		_exit(EXIT_FAILURE);
}

static int open_socket(int flags)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	if (fd < 0)
		load_fail("socket");
	reset_on_close(fd);
	no_delay(fd);
	return fd;
}

static void start_flow(const struct sockaddr_in *to, enum load_kind kind,
		       unsigned int number)
{
	int fd = open_socket(SOCK_NONBLOCK);
	struct flow *flow;

	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0 &&
	    errno != EINPROGRESS)
		load_fail("connect");
	flow = flow_new(fd, ROLE_OPENING, EPOLLOUT);
	flow->opening.kind = (uint8_t)kind;
	flow->opening.flow = (uint16_t)number;
	connecting++;
}

/* The load's side: the opening is sent, and its answer read. */
static void load_open(struct flow *flow)
{
	size_t len = sizeof(flow->opening);
	char byte;

	if (!flow->got) {
		if (send(flow->fd, &flow->opening, len, MSG_NOSIGNAL) !=
		    (ssize_t)len)
			load_fail("connecting");
		flow->got = len;
		watch(flow, EPOLLIN, false);
		return;
	}
	if (recv(flow->fd, &byte, 1, 0) != 1)
		load_fail("the answer to a flow's first bytes");
	flow->role = ROLE_SINK;
	if (flow->opening.kind == LOAD_SEND) {
		flow->role = ROLE_SOURCE;
		watch(flow, EPOLLOUT, false);
	}
	connecting--;
	if (++ready == wanted)
		tell_ready();
}

static void load_event(struct flow *flow)
{
	if (flow->role == ROLE_OPENING)
		load_open(flow);
	else if (!(flow->role == ROLE_SOURCE ? flow_write(flow)
					     : flow_read(flow)))
		load_fail("a flow has ended");
}

static void run_flows(const struct sockaddr_in *to, enum load_kind kind)
{
	struct epoll_event events[EVENTS_MAX];
	unsigned int started = 0;

	epoll = epoll_create1(EPOLL_CLOEXEC);
	while (!atomic_load(&board->stop)) {
		int n;

		while (started < wanted && connecting < CONNECTING_MAX)
			start_flow(to, kind, started++);
		n = epoll_wait(epoll, events, EVENTS_MAX, TICK_MS);
		for (int i = 0; i < n; i++)
			load_event(events[i].data.ptr);
	}
}

static int connect_blocking(const struct sockaddr_in *to)
{
	struct timeval limit = {.tv_sec = TRIP_SECONDS};
	int fd = open_socket(0);

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0)
		load_fail("connect");
	return fd;
}

static void ask(int fd, const void *bytes, size_t n)
{
	char byte;

	if (send(fd, bytes, n, MSG_NOSIGNAL) != (ssize_t)n)
		load_fail("sending a request");
	if (recv(fd, &byte, 1, 0) != 1)
		load_fail("receiving an answer");
}

static void note_trip(uint64_t start)
{
	size_t n = atomic_load_explicit(&board->n_trips, memory_order_relaxed);

	if (n >= LOAD_LATENCIES_MAX)
		return;
	board->trips[n] = (uint32_t)MIN(bench_now_ns() - start, UINT32_MAX);
	atomic_store_explicit(&board->n_trips, n + 1, memory_order_release);
}

static void run_round_trips(const struct sockaddr_in *to, enum load_kind kind)
{
	struct load_opening opening = {.kind = (uint8_t)kind};
	int fd = connect_blocking(to);

	ask(fd, &opening, sizeof(opening));
	tell_ready();
	while (!atomic_load(&board->stop)) {
		uint64_t start = bench_now_ns();

		if (kind == LOAD_CRR) {
			int once = connect_blocking(to);

			ask(once, &opening, sizeof(opening));
			(void)close(once);
		} else {
			ask(fd, "", 1);
		}
		note_trip(start);
	}
}

static _Noreturn void run_load(const struct sockaddr_in *to,
			       enum load_kind kind)
{
	two_hosts_go(true);
	if (kind == LOAD_RR || kind == LOAD_CRR)
		run_round_trips(to, kind);
	else
		run_flows(to, kind);
	_exit(EXIT_SUCCESS);
}

/* What the load has to say: the byte that tells that it is ready (true), or a
 * text in @why. */
static bool hear(char *why, size_t size)
{
	struct pollfd wait = {.fd = load_pipe, .events = POLLIN};
	ssize_t n;

	if (poll(&wait, 1, WAIT_MS) <= 0) {
		(void)snprintf(why, size, "no end of connecting");
		return false;
	}
	n = read(load_pipe, why, size - 1);
	why[MAX(n, 0)] = '\0';
	return n == 1 && !*why;
}

static void end_process(void)
{
	(void)kill(load, SIGKILL);
	(void)waitpid(load, NULL, 0);
	load = -1;
	close_fd(&load_pipe);
}

const char *load_begin(enum load_kind kind, const char *host, unsigned int n,
		       const cpu_set_t *cpus)
{
	static char why[256];
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(LOAD_PORT),
	};
	int ends[2];

	if (inet_pton(AF_INET, host, &to.sin_addr) != 1 || n > LOAD_FLOWS_MAX ||
	    pipe2(ends, O_CLOEXEC) < 0)
		two_hosts_fail("a load cannot be made");
	memset(board->bytes, 0, sizeof(board->bytes));
	atomic_store(&board->n_trips, 0);
	atomic_store(&board->stop, false);
	(void)sched_setaffinity(server, sizeof(*cpus), cpus);
	load = start_process();
	if (!load) {
		tell_fd = ends[1];
		wanted = n;
		(void)sched_setaffinity(0, sizeof(*cpus), cpus);
		run_load(&to, kind);
	}
	(void)close(ends[1]);
	load_pipe = ends[0];
	if (hear(why, sizeof(why)))
		return NULL;
	end_process();
	return *why ? why : "the load has died";
}

const char *load_end(void)
{
	static char why[256];

	atomic_store(&board->stop, true);
	(void)hear(why, sizeof(why));
	end_process();
	return *why ? why : NULL;
}

uint64_t load_flow_bytes(unsigned int flow)
{
	return atomic_load_explicit(&board->bytes[flow], memory_order_relaxed);
}

uint64_t load_bytes(void)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < LOAD_FLOWS_MAX; i++)
		sum += load_flow_bytes(i);
	return sum;
}

size_t load_round_trips(const uint32_t **ns)
{
	*ns = board->trips;
	return atomic_load_explicit(&board->n_trips, memory_order_acquire);
}
