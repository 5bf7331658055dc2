# SPDX-License-Identifier: MIT
# The control socket of a running machine, through evnic ctl.
. "${0%/*}/guest.sh"

ctl() {
	expect 0 "$evnic" ctl sock "$@"
}

# refused CLASS TEXT COMMAND [JSON]: the answer to a command.
refused() {
	class=$1 text=$2
	shift 2
	expect 1 "$evnic" ctl --json sock qmp "$@"
	cat out err >both
	says both "$text"
}

# The machine in the background, with its log in the file log.
launch() {
	"$evnic" run "$@" >console 2>log </dev/null &
	pid=$!
	within "$evnic" ctl sock status
}

is_status() {
	[ "$("$evnic" ctl sock status)" = "$1" ]
}

counter() {
	"$evnic" ctl --json sock stats eth0 |
		sed -n "s/^[[:space:]]*\"$1\":[[:space:]]*\([0-9]*\).*/\1/p"
}

grown() {
	[ "$(counter rx_packets)" -gt "$1" ]
}

throttled() {
	[ "$(counter tx_throttled)" -gt 0 ]
}

booted() {
	[ "$(grep -c READY console)" -ge "$1" ]
}

# Of both processes.
fds() {
	find /proc/$pid/fd "/proc/$(machine)/fd" -mindepth 1 | wc -l
}

fds_are() {
	[ "$(fds)" -eq "$1" ]
}

threads() {
	ls "/proc/$(machine)/task" | wc -l
}

# Stop and go under traffic: no frame is lost, or the payload gives up.
for threads in '' '"iothreads": 0,'; do
	describe 'smoke frames=1000000000' "$threads" loopback
	launch vm.json --control sock
	[ "$(stat -c %a sock)" = 600 ] || die "the socket's mode"
	for i in 1 2 3 4 5; do
		within grown 1000
		ctl stop
		ctl stop
		is_status paused || die "not paused"
		had=$(counter rx_packets)
		[ -n "$had" ] || die "no counter"
		sleep 0.1
		[ "$(counter rx_packets)" = "$had" ] || die "frames in a pause"
		ctl cont
		ctl cont
		is_status running || die "not running"
		within grown "$had"
	done
	# Limits come and go under traffic.
	ctl limits eth0 tx_ops=2000/100
	ctl nics
	says out "yes"
	within throttled
	ctl limits eth0 tx_ops=0
	ctl limits
	! grep -q 2000 out || die "still limited"
	within grown $(($(counter rx_packets) + 1000))
	# What is asked for during a pause is done afterwards.
	ctl stop
	ctl inspect /nics/eth0/frontend
	says out "paused: true"
	ctl quit
	ended 0
	[ ! -e sock ] || die "the socket is still there"
	! grep -q FAIL console || die "the payload lost a frame"
done

# The end by other means, paused or not.
describe wait '"control-socket": "sock",'
launch vm.json
kill -TERM $pid
ended 0
launch vm.json
ctl stop
kill -TERM $pid
ended 0
[ ! -e sock ] || die "the socket is still there"

# Resets. A machine that is paused stays so.
launch vm.json
within booted 1
"$evnic" ctl sock events >events 2>/dev/null &
events=$!
within sh -c '"$1" ctl sock reset && sleep 0.2 && grep -q RESET events' sh \
	"$evnic"
within booted 2
ctl stop
had=$(grep -c READY console)
ctl reset
is_status paused || die "not paused after a reset"
ctl cont
within booted $((had + 1))
ctl set-link eth0 down
ctl quit
ended 0
wait $events || :
for event in STOP RESUME RESET SHUTDOWN; do
	says events "\"event\":\"$event\""
done
says events '"reason":"host-qmp-quit"'
says events '"reason":"host-qmp-system-reset"'

# One machine for one socket; a stale socket is no obstacle, another file is.
launch vm.json
expect 1 "$evnic" run vm.json
says err "sock"
lines err 1
is_status running || die "the first one is gone"
expect 1 "$evnic" run vm.json --control vm.json
says err "vm.json"
lines err 1
describe wait
expect 1 "$evnic" run vm.json --control missing/sock
says err "missing/sock"
kill -KILL $pid
wait $pid || :
[ -S sock ] || die "no stale socket"
launch vm.json --control sock

# NICs and netdevs, and what is wrong about them. Nothing of it costs a
# descriptor or a thread in the end.
within booted 1
before=$(fds) threads=$(threads)
for i in 1 2 3; do
	ctl netdev-add m null
	refused GenericError "Duplicate ID 'm'" netdev_add \
		'{"type": "null", "id": "m"}'
	refused GenericError "Parameter 'type' does not accept value 'no'" \
		netdev_add '{"type": "no", "id": "x"}'
	refused GenericError "File descriptor named 'no' has not been found" \
		netdev_add '{"type": "tap", "id": "x", "fd": "no"}'
	refused GenericError "evnic-none" netdev_add \
		'{"type": "tap", "id": "x", "ifname": "evnic-none"}'
	refused GenericError "/host_dev_name" netdev_add \
		'{"type": "null", "id": "x", "ifname": "tap0"}'
	refused GenericError "Parameter 'id' is missing" netdev_add \
		'{"type": "null"}'
	refused GenericError "netdev 'm' has no NIC" set_link \
		'{"name": "m", "up": true}'
	ctl netdev-replace eth0 m
	refused GenericError "m: eth0 has it" netdev_replace \
		'{"id": "eth0", "netdev": "m"}'
	refused DeviceNotFound "Device 'x' not found" netdev_replace \
		'{"id": "eth0", "netdev": "x"}'
	refused DeviceNotFound "Device 'x' not found" netdev_del '{"id": "x"}'
	refused DeviceNotFound "Device 'x' not found" set_link \
		'{"name": "x", "up": true}'
	ctl nics
	says out "null"
	ctl set-link m down
	ctl nics
	says out "down"
	ctl set-link eth0 up
	refused GenericError "'x' is not a valid device model name" device_add \
		'{"driver": "x", "id": "eth1", "netdev": "n"}'
	refused GenericError "can't find value 'x'" device_add \
		'{"driver": "virtio-net-pci", "id": "eth1", "netdev": "x"}'
	refused GenericError "can't take value 'm', it's in use" device_add \
		'{"driver": "virtio-net-pci", "id": "eth1", "netdev": "m"}'
	refused GenericError '/guest_mac: "01:00:00:00:00:01" is a multicast' \
		device_add '{"driver": "virtio-net-pci", "id": "eth1",
		"netdev": "n", "mac": "01:00:00:00:00:01"}'
	refused GenericError "Duplicate device ID 'eth0'" device_add \
		'{"driver": "virtio-net-pci", "id": "eth0", "netdev": "n"}'
	refused DeviceNotFound "Device 'x' not found" set-rate-limiter \
		'{"id": "x", "rx_rate_limiter": {}}'
	refused GenericError '/bandwidth: "refill_time" is missing' \
		set-rate-limiter '{"id": "eth0", "rx_rate_limiter":
		{"bandwidth": {"size": 5}}}'
	refused GenericError '/ops/size: -5 is out of range' \
		set-rate-limiter '{"id": "eth0", "tx_rate_limiter":
		{"ops": {"size": -5, "refill_time": 1}}}'
	refused DeviceNotFound "Device 'x' not found" device_del '{"id": "x"}'
	# The payload gives nothing back; a reset does.
	ctl device-add eth1 n mac=06:00:ac:10:00:03
	ctl nics
	says out "06:00:ac:10:00:03"
	ctl device-del eth1
	ctl reset
	within sh -c '! "$1" ctl sock nics | grep -q eth1' sh "$evnic"
	ctl netdev-replace eth0 n
	ctl netdev-del m
	ctl capture start eth0 frames.pcapng
	refused GenericError "capture" capture-start \
		'{"id": "eth0", "path": "other.pcapng"}'
	ctl capture stop eth0
	[ "$(od -An -tx1 -N4 frames.pcapng)" = " 0a 0d 0d 0a" ] ||
		die "not pcapng"
	refused GenericError "no capture is active" capture-stop \
		'{"id": "eth0"}'
	refused DeviceNotFound "Device 'x' not found" capture-start \
		'{"id": "x", "path": "other.pcapng"}'
	refused GenericError "not a file that this machine may write: start" \
		capture-start '{"id": "eth0", "path": "/dev/null"}'
	refused CommandNotFound "frobnicate" frobnicate
done
within fds_are "$before"
[ "$(threads)" = "$threads" ] || die "threads are left"

# The tree of everything, asked for by a signal.
kill -USR1 $pid
within grep -qF "/nics/eth0/frontend:" log
within grep -qF '/machine: status="running"' log
ctl inspect /nics/eth0
says out "virtio-net"
expect 1 "$evnic" ctl sock inspect /nics/x
says err "does not accept value '/nics/x'"
ctl powerdown
ctl quit
ended 0

# What the machine may write by itself, and where nothing else leads.
describe 'smoke frames=1000000000' "\"sandbox\": { \"captures\": [\"$work/caps/*.pcapng\"] }," \
	loopback
expect 1 "$evnic" run vm.json
says err "sandbox: captures: $work/caps: No such file or directory (ENOENT): make"
mkdir caps
mkfifo caps/fifo.pcapng
ln -s "$work/there" caps/link.pcapng
launch vm.json --control sock
for path in "$work/frames.pcapng" "$work/caps/a.txt" caps/a.pcapng \
	"$work/caps/../frames.pcapng" "$work//caps/a.pcapng" /dev/null; do
	refused GenericError "not a file that this machine may write" \
		capture-start "{\"id\": \"eth0\", \"path\": \"$path\"}"
done
refused GenericError "not a regular file" capture-start \
	"{\"id\": \"eth0\", \"path\": \"$work/caps/fifo.pcapng\"}"
refused GenericError "a symbolic link is not followed" capture-start \
	"{\"id\": \"eth0\", \"path\": \"$work/caps/link.pcapng\"}"
[ ! -e there ] || die "the link was followed"
ctl capture start eth0 caps/a.pcapng --rotate-size 131072 --rotate-files 2
within test -e caps/a.pcapng.1
ctl capture
says out "$work/caps/a.pcapng"
ctl capture stop eth0
[ ! -e caps/a.pcapng.2 ] || die "too many files are kept"
for file in caps/a.pcapng caps/a.pcapng.1; do
	[ "$(od -An -tx1 -N4 $file)" = " 0a 0d 0d 0a" ] || die "not pcapng"
done
ctl quit
ended 0

# A backend that makes sockets, where that is allowed, and its forwards.
describe wait
launch vm.json --control sock
refused GenericError \
	'u: this machine may not make sockets: start it with "sandbox"' \
	netdev_add '{"type": "consomme", "id": "u"}'
refused GenericError "'eth0' has no backend of type \"consomme\"" query-flows \
	'{"id": "eth0"}'
ctl flows
lines out 1
ctl quit
ended 0
describe wait '"sandbox": { "sockets": true },'
launch vm.json --control sock
refused GenericError 'u: deny/0: "x" is no network: must be' netdev_add \
	'{"type": "consomme", "id": "u", "deny": "x"}'
refused GenericError "/mtu: 5 is out of range" netdev_add \
	'{"type": "consomme", "id": "u", "mtu": 5}'
refused GenericError "u: 0.0.0.0:80: a running machine gets ports from 1024" \
	netdev_add '{"type": "consomme", "id": "u", "hostfwd": ["tcp::80-:80"]}'
ctl netdev-add u consomme restrict=true 'allow=["10.0.0.0/8", "fd00::/8"]'
ctl netdev-replace eth0 u
within sh -c '"$1" ctl sock nics | grep -q consomme' sh "$evnic"
before=$(fds)
# A port that nobody has at the moment: a few are tried.
for port in 42101 42117 42139 42151; do
	rule="tcp:127.0.0.1:$port-:22"
	! "$evnic" ctl sock hostfwd-add eth0 "$rule" 2>err || break
done
refused GenericError "Address already in use (EADDRINUSE)" hostfwd_add \
	"{\"id\": \"u\", \"rule\": \"$rule\"}"
refused GenericError "'tcp::1' is no forward: " hostfwd_add \
	'{"id": "u", "rule": "tcp::1"}'
refused GenericError "a running machine gets ports from 1024 on" hostfwd_add \
	'{"id": "u", "rule": "tcp::80-:80"}'
refused GenericError "tcp::1234-:22: there is no such forward" hostfwd_remove \
	'{"id": "u", "rule": "tcp::1234-:22"}'
refused DeviceNotFound "Device 'x' not found" hostfwd_add \
	'{"id": "x", "rule": "tcp::2222-:22"}'
refused GenericError "Parameter 'max' must be from 1 to 10000" query-flows \
	'{"max": 0}'
ctl --json flows eth0
says out '"total":	0'
ctl hostfwd-remove u "$rule"
within fds_are "$before"
ctl hostfwd-add u "$rule"
ctl netdev-replace eth0 n
ctl netdev-del u
within fds_are $((before - 1))
ctl quit
ended 0

# Only PCI has a place for one more.
describe wait '"machine-config": { "transport": "mmio" },'
launch vm.json --control sock
ctl netdev-add m null
refused GenericError "PCI" device_add \
	'{"driver": "virtio-net-pci", "id": "eth1", "netdev": "m"}'
refused GenericError "PCI" device_del '{"id": "eth0"}'
ctl quit
ended 0
