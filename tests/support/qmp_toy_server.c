/* SPDX-License-Identifier: MIT */
/*
 * A control socket for tests of "evnic ctl": has the names of a machine's
 * commands, prints each call with its arguments as one line on standard output,
 * and answers with what never changes, but for counters, which grow with each
 * question.
 *
 *	qmp_toy_server SOCKET
 */
#include "machine/qmp.h"
#include "machine/unix_listen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct toy {
	struct loop loop;
	struct qmp_server *server;
	unsigned int asked;
};

static const char nics[] =
	"[{\"id\":\"eth0\",\"model\":\"virtio-net\",\"mac\":"
	"\"06:00:ac:10:00:02\",\"netdev\":\"b0\",\"backend\":\"tap\",\"link\":"
	"true,\"queue_pairs\":2,\"rx_rate_limiter\":{\"bandwidth\":{\"size\":"
	"1000000,\"one_time_burst\":0,\"refill_time\":100}},"
	"\"tx_rate_limiter\":{},\"capture\":{\"active\":true,\"path\":"
	"\"/tmp/eth0.pcapng\",\"packets\":12,\"bytes\":3456,\"drops\":1,"
	"\"written\":4000}},"
	"{\"id\":\"bad\\u001b[31m\",\"model\":\"virtio-net\",\"mac\":"
	"\"06:00:ac:10:00:03\",\"netdev\":null,\"backend\":null,\"link\":"
	"false,\"queue_pairs\":1,\"capture\":{\"active\":false,\"path\":null,"
	"\"packets\":0,\"bytes\":0,\"drops\":0,\"written\":0}}]";

static const char tree[] =
	"{\"vm\":{\"vcpus\":2},\"nics\":{\"eth0\":{\"link\":true,\"state\":"
	"\"running\",\"queue-0\":{\"held\":256,\"broken\":null}}}}";

static const char flows[] =
	"[{\"id\":\"b0\",\"nic\":\"eth0\",\"total\":7,\"flows\":[{\"proto\":"
	"\"tcp\",\"state\":\"established\",\"inbound\":false,\"guest\":"
	"\"10.0.2.15:40000\",\"far\":\"192.0.2.1:443\",\"bytes_out\":517,"
	"\"bytes_in\":1000000,\"age_ms\":61500,\"idle_ms\":20},"
	"{\"proto\":\"udp\",\"state\":\"\",\"inbound\":true,\"guest\":"
	"\"[fd00::15]:53\",\"far\":\"[fd00::2]:5353\",\"bytes_out\":0,"
	"\"bytes_in\":40,\"age_ms\":100,\"idle_ms\":100}]},"
	"{\"id\":\"b9\",\"nic\":null,\"total\":0,\"flows\":[]}]";

static void log_call(const char *name, const cJSON *args)
{
	char *text = cJSON_PrintUnformatted(args);

	(void)printf("%s %s\n", name, text ? text : "?");
	(void)fflush(stdout);
	cJSON_free(text);
}

#define LOGGED(function, name)                                   \
	static void function(void *owner, struct qmp_call *call, \
			     const cJSON *args)                  \
	{                                                        \
		(void)owner;                                     \
		log_call(name, args);                            \
		qmp_return(call, NULL);                          \
	}

LOGGED(run_cont, "cont")
LOGGED(run_powerdown, "system_powerdown")
LOGGED(run_reset, "system_reset")
LOGGED(run_netdev_del, "netdev_del")
LOGGED(run_netdev_replace, "netdev_replace")
LOGGED(run_device_add, "device_add")
LOGGED(run_device_del, "device_del")
LOGGED(run_set_link, "set_link")
LOGGED(run_limiter, "set-rate-limiter")
LOGGED(run_hostfwd_add, "hostfwd_add")
LOGGED(run_hostfwd_remove, "hostfwd_remove")

static void run_stop(void *owner, struct qmp_call *call, const cJSON *args)
{
	struct toy *toy = owner;

	log_call("stop", args);
	qmp_event(toy->server, "STOP", NULL);
	qmp_return(call, NULL);
}

static void run_netdev_add(void *owner, struct qmp_call *call,
			   const cJSON *args)
{
	const cJSON *name = cJSON_GetObjectItemCaseSensitive(args, "fd");
	int fd;

	(void)owner;
	log_call("netdev_add", args);
	if (!name) {
		qmp_return(call, NULL);
		return;
	}
	fd = qmp_take_fd(call, name->valuestring);
	if (fd >= 0 && write(fd, "passed\n", 7) == 7)
		qmp_return(call, NULL);
	else
		qmp_fail(call, QMP_GENERIC_ERROR, "no good descriptor");
	close_fd(&fd);
}

static void run_query_status(void *owner, struct qmp_call *call,
			     const cJSON *args)
{
	(void)owner;
	(void)args;
	qmp_return(call, cJSON_Parse("{\"status\":\"running\",\"singlestep\":"
				     "false,\"running\":true}"));
}

static void run_query_nics(void *owner, struct qmp_call *call,
			   const cJSON *args)
{
	(void)owner;
	(void)args;
	qmp_return(call, cJSON_Parse(nics));
}

static void run_query_flows(void *owner, struct qmp_call *call,
			    const cJSON *args)
{
	(void)owner;
	log_call("query-flows", args);
	qmp_return(call, cJSON_Parse(flows));
}

static cJSON *queue(double times)
{
	cJSON *object = cJSON_CreateObject();

	(void)cJSON_AddNumberToObject(object, "rx_packets", 1000 * times);
	(void)cJSON_AddNumberToObject(object, "rx_bytes", 1000000 * times);
	(void)cJSON_AddNumberToObject(object, "tx_packets", 12 * times);
	(void)cJSON_AddNumberToObject(object, "tx_bytes", 3456 * times);
	(void)cJSON_AddNumberToObject(object, "tx_lost", 0);
	(void)cJSON_AddNumberToObject(object, "ring_rx_held", 256);
	(void)cJSON_AddNumberToObject(object, "loop_busy_ns", 1e8 * times);
	return object;
}

static void run_query_stats(void *owner, struct qmp_call *call,
			    const cJSON *args)
{
	struct toy *toy = owner;
	const cJSON *id = cJSON_GetObjectItemCaseSensitive(args, "id");
	cJSON *list = cJSON_CreateArray(), *nic, *queues;

	if (id && strcmp(id->valuestring, "eth0") != 0) {
		cJSON_Delete(list);
		qmp_fail(call, QMP_DEVICE_NOT_FOUND, "Device '%s' not found",
			 id->valuestring);
		return;
	}
	toy->asked++;
	nic = cJSON_CreateObject();
	(void)cJSON_AddStringToObject(nic, "id", "eth0");
	queues = cJSON_AddArrayToObject(nic, "queues");
	(void)cJSON_AddItemToArray(queues, queue(toy->asked));
	(void)cJSON_AddItemToArray(queues, queue(2 * toy->asked));
	(void)cJSON_AddItemToArray(list, nic);
	qmp_return(call, list);
}

static void run_inspect(void *owner, struct qmp_call *call, const cJSON *args)
{
	(void)owner;
	log_call("inspect", args);
	qmp_return(call, cJSON_Parse(tree));
}

static void taken_cb(void *arg, int fd)
{
	(void)arg;
	if (fd >= 0) {
		(void)!write(fd, "pcapng bytes", 12);
		(void)close(fd);
	}
}

static void run_capture_start(void *owner, struct qmp_call *call,
			      const cJSON *args)
{
	log_call("capture-start", args);
	if (cJSON_GetObjectItemCaseSensitive(args, "stream"))
		qmp_detach(call, taken_cb, owner);
	qmp_return(call, NULL);
}

static void run_capture_stop(void *owner, struct qmp_call *call,
			     const cJSON *args)
{
	(void)owner;
	log_call("capture-stop", args);
	qmp_return(call, cJSON_Parse("{\"active\":false,\"path\":\"/a/b\","
				     "\"packets\":3,\"bytes\":99,\"drops\":0,"
				     "\"written\":200}"));
}

static void run_quit(void *owner, struct qmp_call *call, const cJSON *args)
{
	struct toy *toy = owner;

	log_call("quit", args);
	qmp_return(call, NULL);
	qmp_event(toy->server, "SHUTDOWN", NULL);
	loop_stop(&toy->loop);
}

#define ANY(name)                                       \
	{                                               \
		name, QMP_ARG_ANY, false, "an argument" \
	}

static const struct qmp_arg args[] = {
	ANY("id"),
	ANY("type"),
	ANY("fd"),
	ANY("ifname"),
	ANY("create"),
	ANY("netdev"),
	ANY("driver"),
	ANY("mac"),
	ANY("name"),
	ANY("up"),
	ANY("path"),
	ANY("stream"),
	ANY("snaplen"),
	ANY("queues"),
	ANY("rotate_size"),
	ANY("rotate_files"),
	ANY("ring_size"),
	ANY("rx_rate_limiter"),
	ANY("host_mtu"),
	ANY("tx_rate_limiter"),
	ANY("rule"),
	ANY("max"),
	{0},
};

static const struct qmp_command commands[] = {
	{"query-status", NULL, "canned", run_query_status},
	{"query-nics", NULL, "canned", run_query_nics},
	{"query-stats", args, "canned", run_query_stats},
	{"inspect", args, "canned", run_inspect},
	{"stop", NULL, "logged", run_stop},
	{"cont", NULL, "logged", run_cont},
	{"system_powerdown", NULL, "logged", run_powerdown},
	{"system_reset", NULL, "logged", run_reset},
	{"quit", NULL, "ends", run_quit},
	{"netdev_add", args, "logged", run_netdev_add},
	{"netdev_del", args, "logged", run_netdev_del},
	{"netdev_replace", args, "logged", run_netdev_replace},
	{"device_add", args, "logged", run_device_add},
	{"device_del", args, "logged", run_device_del},
	{"set_link", args, "logged", run_set_link},
	{"hostfwd_add", args, "logged", run_hostfwd_add},
	{"hostfwd_remove", args, "logged", run_hostfwd_remove},
	{"query-flows", args, "canned", run_query_flows},
	{"set-rate-limiter", args, "logged", run_limiter},
	{"capture-start", args, "logged", run_capture_start},
	{"capture-stop", args, "logged", run_capture_stop},
	{0},
};

int main(int argc, char **argv)
{
	struct unix_listener listener;
	struct toy toy = {0};
	char error[512];

	if (argc != 2 || loop_init(&toy.loop) < 0)
		return 2;
	if (unix_listen(&listener, argv[1], error, sizeof(error)) < 0) {
		(void)fprintf(stderr, "%s\n", error);
		return 1;
	}
	if (qmp_server_create(&toy.loop, listener.fd, argv[1], commands, &toy,
			      &toy.server) < 0)
		return 1;
	listener.fd = -1; /* the server's */
	loop_run(&toy.loop);
	qmp_server_destroy(toy.server);
	unix_listener_fini(&listener);
	loop_fini(&toy.loop);
	return 0;
}
