/* SPDX-License-Identifier: MIT */
/*
 * The keys of a machine description: a row for each, with its type, range,
 * default, unit and what it means.
 *
 * Names are Firecracker's where it has the
 * thing. A key of Firecracker's that evnic cannot honour is a row too
 * (KEY_FOREIGN): a file may carry it as long as it asks for nothing, and the
 * error for one that does can say what is missing.
 */
#include "machine/keys.h"

#include "machine/config.h"
#include "machine/kinds.h"

#define PATH_MAX_BYTES 4095

/* sizeof(sun_path) - 1 */
#define SOCKET_MAX_BYTES 107

static const char *word_of(const char *const *words, size_t n, size_t i)
{
	return i < n ? words[i] : NULL;
}

static const char *huge_pages_word(size_t i)
{
	static const char *const words[] = {
		[CONFIG_HUGE_NONE] = "None",
		[CONFIG_HUGE_2M] = "2M",
	};

	return word_of(words, ARRAY_SIZE(words), i);
}

static const char *transport_word(size_t i)
{
	static const char *const words[] = {
		[CONFIG_PCI] = "pci",
		[CONFIG_MMIO] = "mmio",
	};

	return word_of(words, ARRAY_SIZE(words), i);
}

static const char *on_reset_word(size_t i)
{
	static const char *const words[] = {
		[CONFIG_RESET_EXIT] = "exit",
		[CONFIG_RESET_RESTART] = "restart",
	};

	return word_of(words, ARRAY_SIZE(words), i);
}

static const char *serial_word(size_t i)
{
	static const char *const words[] = {
		[CONFIG_SERIAL_STDIO] = "stdio",
		[CONFIG_SERIAL_FILE] = "file",
		[CONFIG_SERIAL_NONE] = "none",
	};

	return word_of(words, ARRAY_SIZE(words), i);
}

static const char *level_word(size_t i)
{
	static const char *const words[] = {
		[CONFIG_LEVEL_OFF] = "Off",
		[CONFIG_LEVEL_ERROR] = "Error",
		[CONFIG_LEVEL_WARN] = "Warn",
		[CONFIG_LEVEL_WARNING] = "Warning",
		[CONFIG_LEVEL_INFO] = "Info",
		[CONFIG_LEVEL_DEBUG] = "Debug",
		[CONFIG_LEVEL_TRACE] = "Trace",
	};

	return word_of(words, ARRAY_SIZE(words), i);
}

static const char *seccomp_word(size_t i)
{
	static const char *const words[] = {
		[CONFIG_SECCOMP_ON] = "on",
		[CONFIG_SECCOMP_LOG] = "log",
		[CONFIG_SECCOMP_OFF] = "off",
	};

	return word_of(words, ARRAY_SIZE(words), i);
}

#define FOREIGN(key_name, what)                          \
	{                                                \
		.name = (key_name), .type = KEY_FOREIGN, \
		.text = "evnic " what,                   \
	}

static const struct key boot_keys[] = {
	{
		.name = "kernel_image_path",
		.type = KEY_STRING,
		.required = true,
		.offset = offsetof(struct boot_source, kernel_image_path),
		.min = 1,
		.max = PATH_MAX_BYTES,
		.text = "The kernel: a bzImage with a 64-bit entry, or an ELF "
			"file with a PVH entry. Relative to the directory in "
			"which evnic is started, as all paths.",
	},
	{
		.name = "initrd_path",
		.type = KEY_STRING,
		.offset = offsetof(struct boot_source, initrd_path),
		.min = 1,
		.max = PATH_MAX_BYTES,
		.text = "The initial RAM disk.",
	},
	{
		.name = "boot_args",
		.type = KEY_STRING,
		.offset = offsetof(struct boot_source, boot_args),
		.min = 0,
		.max = 2047,
		.fallback = "console=ttyS0 panic=-1",
		.text = "The kernel's command line. Nothing is added to it.",
	},
};

static const struct key_table boot_table =
	KEY_TABLE(boot_keys, struct boot_source, NULL);

static const struct key shape_keys[] = {
	{
		.name = "vcpu_count",
		.type = KEY_INT,
		.offset = offsetof(struct machine_shape, vcpu_count),
		.min = 1,
		.max = 32,
		.fallback = "1",
		.text = "Virtual CPUs, each a thread of its own.",
	},
	{
		.name = "mem_size_mib",
		.type = KEY_INT,
		.offset = offsetof(struct machine_shape, mem_size_mib),
		.min = 2,
		.max = 16 << 20,
		.fallback = "128",
		.unit = "MiB",
		.text = "Guest memory. At most what the host has; a multiple of "
			"2 with huge pages.",
	},
	{
		.name = "huge_pages",
		.type = KEY_WORD,
		.offset = offsetof(struct machine_shape, huge_pages),
		.fallback = "None",
		.word = huge_pages_word,
		.text = "Pages behind guest memory: `2M` takes them from the "
			"host's pool of huge pages.",
	},
	{
		.name = "prefault",
		.type = KEY_BOOL,
		.offset = offsetof(struct machine_shape, prefault),
		.fallback = "false",
		.text = "Take all guest memory from the host at start, not when "
			"the guest first touches it.",
	},
	{
		.name = "transport",
		.type = KEY_WORD,
		.offset = offsetof(struct machine_shape, transport),
		.fallback = "pci",
		.word = transport_word,
		.text = "How the guest finds its NICs. If the key is left out "
			"and `boot_args` holds `pci=off`, as Firecracker's do, "
			"it is `mmio`.",
	},
	{
		.name = "on_reset",
		.type = KEY_WORD,
		.offset = offsetof(struct machine_shape, on_reset),
		.fallback = "exit",
		.word = on_reset_word,
		.text = "When the guest resets itself: `exit` ends evnic with "
			"status 0, `restart` boots the guest again.",
	},
	FOREIGN("smt", "does not show hyper-threads to the guest"),
	FOREIGN("cpu_template", "has no CPU templates"),
	FOREIGN("track_dirty_pages", "has no snapshots"),
};

static const struct key_table shape_table =
	KEY_TABLE(shape_keys, struct machine_shape, NULL);

static const struct key serial_keys[] = {
	{
		.name = "type",
		.type = KEY_WORD,
		.offset = offsetof(struct serial_config, type),
		.fallback = "stdio",
		.word = serial_word,
		.text = "Where the guest's first serial port leads: `stdio` to "
			"evnic's standard input and output, `file` (output "
			"only) to `path`, `none` nowhere.",
	},
	{
		.name = "path",
		.type = KEY_STRING,
		.offset = offsetof(struct serial_config, path),
		.min = 1,
		.max = PATH_MAX_BYTES,
		.only_for = "file",
		.text = "The file, created if need be, and emptied.",
	},
};

static const struct key_table serial_table =
	KEY_TABLE(serial_keys, struct serial_config, "type");

static const struct key logger_keys[] = {
	{
		.name = "log_path",
		.type = KEY_STRING,
		.offset = offsetof(struct logger_config, log_path),
		.min = 1,
		.max = PATH_MAX_BYTES,
		.text = "The file to which log lines are added; SIGHUP opens "
			"it anew. If left out, standard error. `evnic run "
			"--log-path` says otherwise.",
	},
	{
		.name = "level",
		.type = KEY_WORD,
		.offset = offsetof(struct logger_config, level),
		.fallback = "Info",
		.any_case = true,
		.word = level_word,
		.text = "The least important lines that are written, in any "
			"case. `Warning` is `Warn`, `Trace` is `Debug`. `evnic "
			"run --level` says otherwise.",
	},
	{
		.name = "show_level",
		.type = KEY_BOOL,
		.offset = offsetof(struct logger_config, show_level),
		.fallback = "true",
		.text = "Name each line's level.",
	},
	{
		.name = "show_log_origin",
		.type = KEY_BOOL,
		.offset = offsetof(struct logger_config, show_log_origin),
		.fallback = "true",
		.text = "Name the thread that wrote a line.",
	},
	FOREIGN("module", "has no log filter by module"),
};

static const struct key_table logger_table =
	KEY_TABLE(logger_keys, struct logger_config, NULL);

/* (uid_t)-1 means "unchanged" to the kernel. */
#define ID_MAX 4294967294LL

static const struct key sandbox_rows[] = {
	{
		.name = "seccomp",
		.type = KEY_WORD,
		.offset = offsetof(struct sandbox_keys, seccomp),
		.fallback = "on",
		.word = seccomp_word,
		.text = "What becomes of a system call that the machine has no "
			"use for: `on` ends the machine with a line in the log, "
			"`log` lets it pass with a line in the kernel's audit "
			"log, `off` lets it pass.",
	},
	{
		.name = "uid",
		.type = KEY_INT,
		.offset = offsetof(struct sandbox_keys, uid),
		.min = 0,
		.max = ID_MAX,
		.text = "The user that the machine runs as; takes root. If "
			"left out, whoever started evnic.",
	},
	{
		.name = "gid",
		.type = KEY_INT,
		.offset = offsetof(struct sandbox_keys, gid),
		.min = 0,
		.max = ID_MAX,
		.text = "Its group, the only one; takes root.",
	},
	{
		.name = "require_sandbox",
		.type = KEY_BOOL,
		.offset = offsetof(struct sandbox_keys, require_sandbox),
		.fallback = "true",
		.text = "Whether a stage of the confinement that this host "
			"refuses is an error; if not, it is a warning.",
	},
	{
		.name = "sockets",
		.type = KEY_BOOL,
		.offset = offsetof(struct sandbox_keys, sockets),
		.fallback = "false",
		.text = "Whether the machine may make TCP, UDP and ping "
			"sockets of its own, so that a backend of type "
			"`consomme` can be added to it later. It may if the "
			"description has one.",
	},
	{
		.name = "taps",
		.type = KEY_STRINGS,
		.most = 16,
		.offset = offsetof(struct sandbox_keys, taps),
		.min = 1,
		.max = KEY_IFACE_MAX,
		.text = "Names of TAP interfaces that may be added to the "
			"running machine, or made for it, with `*` and `?`. "
			"Those of the description are always allowed, as they "
			"are described there; and so are those that are opened "
			"by somebody else and passed with `fd`.",
	},
	{
		.name = "captures",
		.type = KEY_STRINGS,
		.most = CONFIG_MAX_CAPTURES,
		.offset = offsetof(struct sandbox_keys, captures),
		.min = 2,
		.max = PATH_MAX_BYTES,
		.text = "Files that the running machine may be told to capture "
			"to: an absolute directory, which must be there at "
			"start, and a name with `*` and `?`. A capture that "
			"rotates also has the names that follow from it, "
			"`NAME.1` and so on. `evnic ctl capture start` opens "
			"the file itself and needs no pattern, unless it is to "
			"rotate.",
	},
};

static const struct key_table sandbox_table =
	KEY_TABLE(sandbox_rows, struct sandbox_keys, NULL);

/* Tokens and milliseconds that are exact in JSON, with room for sums. */
#define TOKENS_MAX (1LL << 50)
#define REFILL_MAX (1LL << 40)

static const struct key bucket_keys[] = {
	{
		.name = "size",
		.type = KEY_INT,
		.required = true,
		.offset = offsetof(struct config_bucket, size),
		.min = 0,
		.max = TOKENS_MAX,
		.unit = "bytes, or frames",
		.text = "What the bucket holds, the largest burst. 0: no limit.",
	},
	{
		.name = "one_time_burst",
		.type = KEY_INT,
		.offset = offsetof(struct config_bucket, one_time_burst),
		.min = 0,
		.max = TOKENS_MAX,
		.fallback = "0",
		.unit = "bytes, or frames",
		.text = "What may go in addition, once.",
	},
	{
		.name = "refill_time",
		.type = KEY_INT,
		.required = true,
		.offset = offsetof(struct config_bucket, refill_time),
		.min = 0,
		.max = REFILL_MAX,
		.unit = "milliseconds",
		.text = "In what time an empty bucket is filled again: the "
			"average rate is `size` in this time. 0: no limit.",
	},
};

static const struct key_table bucket_table =
	KEY_TABLE(bucket_keys, struct config_bucket, NULL);

static const struct key limiter_keys[] = {
	{
		.name = "bandwidth",
		.type = KEY_OBJECT,
		.offset = offsetof(struct config_limiter, bandwidth),
		.table = &bucket_table,
		.text = "A token bucket of bytes of frames.",
	},
	{
		.name = "ops",
		.type = KEY_OBJECT,
		.offset = offsetof(struct config_limiter, ops),
		.table = &bucket_table,
		.text = "A token bucket of frames.",
	},
};

const struct key_table key_table_limiter =
	KEY_TABLE(limiter_keys, struct config_limiter, NULL);

static const struct key nic_keys[] = {
	{
		.name = "iface_id",
		.type = KEY_STRING,
		.required = true,
		.offset = offsetof(struct nic_config, iface_id),
		.min = 1,
		.max = KEY_NAME_MAX,
		.text = "Name of the NIC in messages; no two may be the same.",
	},
	{
		.name = "guest_mac",
		.type = KEY_MAC,
		.offset = offsetof(struct nic_config, guest_mac),
		.text = "The NIC's address. If left out, a random one that is "
			"locally administered; the log tells which.",
	},
	{
		.name = "model",
		.type = KEY_WORD,
		.offset = offsetof(struct nic_config, model),
		.fallback = "virtio-net",
		.word = frontend_kind_name,
		.text = "The device that the guest sees.",
	},
	{
		.name = "backend",
		.type = KEY_STRING,
		.offset = offsetof(struct nic_config, backend),
		.min = 1,
		.max = KEY_NAME_MAX,
		.text = "What the NIC is connected to: the `id` of an entry of "
			"`backends`, which serves one NIC.",
	},
	{
		.name = "host_dev_name",
		.type = KEY_STRING,
		.offset = offsetof(struct nic_config, host_dev_name),
		.min = 1,
		.max = KEY_IFACE_MAX,
		.text = "In place of `backend`: the NIC is connected to this "
			"TAP interface.",
	},
	{
		.name = "mtu",
		.type = KEY_INT,
		.offset = offsetof(struct nic_config, mtu),
		.min = 68,
		.max = 65535,
		.unit = "bytes",
		.text = "Told to the guest, which uses it for its interface. If "
			"left out, the guest is told nothing.",
	},
	{
		.name = "queue_size",
		.type = KEY_INT,
		.power_of_two = true,
		.offset = offsetof(struct nic_config, queue_size),
		.min = 16,
		.max = 1024,
		.fallback = "256",
		.unit = "descriptors",
		.text = "The largest size of each of the NIC's rings.",
	},
	{
		.name = "queue_pairs",
		.type = KEY_INT,
		.offset = offsetof(struct nic_config, queue_pairs),
		.min = 1,
		.max = CONFIG_MAX_QUEUE_PAIRS,
		.fallback = "1",
		.unit = "pairs",
		.text = "Receive and transmit queues that the guest may use at "
			"the same time, one for each of its vCPUs at best.",
	},
	{
		.name = "busy_poll_us",
		.type = KEY_INT,
		.offset = offsetof(struct nic_config, busy_poll_us),
		.min = 0,
		.max = 1000000,
		.fallback = "0",
		.unit = "microseconds",
		.text = "How long the NIC's threads look for more packets "
			"after one before they sleep. More than 0 takes "
			"processor time and saves the guest and the host the "
			"wake-ups.",
	},
	{
		.name = "rx_rate_limiter",
		.type = KEY_OBJECT,
		.offset = offsetof(struct nic_config, rx_rate_limiter),
		.table = &key_table_limiter,
		.text = "How much the guest may receive.",
	},
	{
		.name = "tx_rate_limiter",
		.type = KEY_OBJECT,
		.offset = offsetof(struct nic_config, tx_rate_limiter),
		.table = &key_table_limiter,
		.text = "How much the guest may send.",
	},
	FOREIGN("allow_mmds_requests", "has no metadata service"),
};

const struct key_table key_table_nic =
	KEY_TABLE(nic_keys, struct nic_config, NULL);

static const struct key machine_keys[] = {
	{
		.name = "id",
		.type = KEY_STRING,
		.offset = offsetof(struct machine_config, id),
		.min = 1,
		.max = KEY_NAME_MAX,
		.text = "The machine's name in its log lines. If left out, the "
			"description's file name without \".json\". `evnic run "
			"--id` says otherwise.",
	},
	{
		.name = "boot-source",
		.type = KEY_OBJECT,
		.required = true,
		.offset = offsetof(struct machine_config, boot),
		.table = &boot_table,
		.text = "What the guest boots.",
	},
	{
		.name = "machine-config",
		.type = KEY_OBJECT,
		.offset = offsetof(struct machine_config, shape),
		.table = &shape_table,
		.text = "The machine that it boots on.",
	},
	{
		.name = "serial",
		.type = KEY_OBJECT,
		.offset = offsetof(struct machine_config, serial),
		.table = &serial_table,
		.text = "The guest's console.",
	},
	{
		.name = "logger",
		.type = KEY_OBJECT,
		.offset = offsetof(struct machine_config, logger),
		.table = &logger_table,
		.text = "What is logged, and where.",
	},
	{
		.name = "sandbox",
		.type = KEY_OBJECT,
		.offset = offsetof(struct machine_config, sandbox),
		.table = &sandbox_table,
		.text = "How the machine is confined: `docs/security.md`.",
	},
	{
		.name = "network-interfaces",
		.type = KEY_LIST,
		.offset = offsetof(struct machine_config, nics),
		.count = offsetof(struct machine_config, n_nics),
		.max = CONFIG_MAX_NICS,
		.table = &key_table_nic,
		.text = "The guest's NICs, in the order in which the guest "
			"finds them.",
	},
	{
		.name = "backends",
		.type = KEY_LIST,
		.offset = offsetof(struct machine_config, backends),
		.count = offsetof(struct machine_config, n_backends),
		.max = CONFIG_MAX_BACKENDS,
		.table = &key_table_backend,
		.text = "What NICs are connected to.",
	},
	{
		.name = "iothreads",
		.type = KEY_INT,
		.offset = offsetof(struct machine_config, iothreads),
		.min = 0,
		.max = 64,
		.unit = "threads",
		.text = "Threads that move packets; the NICs' queue pairs are "
			"dealt out to them in turn, and a thread without one is "
			"not made. 0: the control loop does it. If left out, "
			"one for each queue pair.",
	},
	{
		.name = "control-socket",
		.type = KEY_STRING,
		.offset = offsetof(struct machine_config, control_socket),
		.min = 1,
		.max = SOCKET_MAX_BYTES,
		.text = "A unix socket on which the running machine takes "
			"commands (`evnic ctl`, or any QMP client). `evnic run "
			"--control` says otherwise.",
	},
	{
		.name = "metrics-socket",
		.type = KEY_STRING,
		.offset = offsetof(struct machine_config, metrics_socket),
		.min = 1,
		.max = SOCKET_MAX_BYTES,
		.text = "A unix socket on which the running machine serves its "
			"counters by HTTP in Prometheus' text format (`curl "
			"--unix-socket PATH http://evnic/metrics`).",
	},
	FOREIGN("drives", "has no block devices: boot from an initrd"),
	FOREIGN("cpu-config", "has no CPU templates"),
	FOREIGN("balloon", "has no balloon device"),
	FOREIGN("vsock", "has no vsock device"),
	FOREIGN("entropy", "has no entropy device"),
	FOREIGN("pmem", "has no persistent-memory device"),
	FOREIGN("memory-hotplug", "has no memory hot-plug"),
	FOREIGN("mmds-config", "has no metadata service"),
	FOREIGN("metrics", "has no metrics file: use metrics-socket"),
};

const struct key_table key_table_machine =
	KEY_TABLE(machine_keys, struct machine_config, NULL);
