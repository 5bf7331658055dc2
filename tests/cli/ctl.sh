# SPDX-License-Identifier: MIT
# evnic ctl against a control socket that has no machine behind it: what it
# prints, what it sends, and what it says when it cannot.
. "${0%/*}/lib.sh"
toy=$3

start_toy() {
	"$toy" sock >calls 2>toy-err &
	toy_pid=$!
	tries=0
	until "$evnic" ctl sock status >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ $tries -lt 1200 ] || die "the toy does not answer"
		sleep 0.05
	done
}

ctl() {
	expect 0 "$evnic" ctl sock "$@"
}

# called LINE: the last call that the machine got.
called() {
	[ "$(tail -n 1 calls)" = "$1" ] || {
		tail -n 1 calls >&2
		die "not called: $1"
	}
}

# fails STATUS TEXT ARGUMENT...: with one line on standard error.
fails() {
	want_status=$1 text=$2
	shift 2
	expect "$want_status" "$evnic" ctl "$@"
	lines err 1
	says err "$text"
}

# Whoever cannot be reached.
fails 1 "none: there is no such socket: does the machine run" none status
: >file
fails 1 "file: is no socket" file status
start_toy
kill -KILL $toy_pid
wait $toy_pid || :
fails 1 "sock: nobody listens" sock status
start_toy
[ "$(stat -c %a sock)" = 600 ] || die "mode of the socket"
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chmod 755 .
	expect 1 setpriv --reuid 65534 --clear-groups "$evnic" ctl sock status
	says err "Permission denied (EACCES): a control socket is for the user"
fi

# A second machine on the same socket is refused, and changes nothing.
expect 1 "$toy" sock
says err "sock: another process listens on this socket"
ctl status
says out running

# Arguments.
fails 2 "SOCKET and COMMAND are missing"
fails 2 "COMMAND is missing" sock
fails 2 'unknown command "frobnicate"' sock frobnicate
fails 2 'unknown option "--frob"' sock nics --frob
fails 2 'unknown option "--batch"' sock nics --batch 1
fails 2 'unexpected argument "more"' sock status more
fails 2 'missing: "BACKEND"; see evnic ctl SOCKET netdev-del --help' sock netdev-del
fails 2 'a value is missing after "--batch"' sock top --batch
fails 2 'no number of screens: "x"' sock top --batch x
fails 2 'neither up nor down: "sideways"' sock set-link eth0 sideways
fails 2 '"ifname" is not KEY=VALUE' sock netdev-add b tap ifname
fails 2 'no limit: "rx_bandwidth=fast"' sock limits eth0 rx_bandwidth=fast
fails 2 'missing: "NIC RULE"' sock hostfwd-add eth0
fails 2 'no number: "x"' sock flows --max x
fails 2 'no limit: "rx=1/1"' sock limits eth0 rx=1/1
fails 2 'no JSON object: "[1]"' sock qmp stop '[1]'
fails 2 'one of FILE and --stdout' sock capture start eth0
fails 2 'one of FILE and --stdout' sock capture start
fails 2 'one of FILE and --stdout' sock capture start eth0 f --stdout
fails 2 'no number: "x"' sock capture start eth0 f --snaplen x
fails 2 'no list of queue pairs' sock capture start eth0 f --queues '1,'
expect 0 "$evnic" ctl --help
says out "usage: evnic ctl"
says out "capture start [NIC [FILE]]"
expect 0 "$evnic" ctl sock capture start --help
says out "usage: evnic ctl SOCKET capture start [NIC [FILE]] [--stdout]"
says out "  --snaplen N  "
expect 0 "$evnic" --help
says out "ctl    SOCKET COMMAND..."

# Tables.
ctl nics
cat >want <<'END'
NIC       MODEL       MAC                LINK  NETDEV  BACKEND  QUEUES  LIMITED  CAPTURED
eth0      virtio-net  06:00:ac:10:00:02  up    b0      tap           2  yes      yes
bad?[31m  virtio-net  06:00:ac:10:00:03  down  -       -             1  no       no
END
cmp out want || die "nics"
ctl stats eth0
cat >want <<'END'
eth0              queue 0    queue 1
  rx_packets         1000       2000
  rx_bytes        1000000    2000000
  tx_packets           12         24
  tx_bytes           3456       6912
  ring_rx_held        256        256
  loop_busy_ns  100000000  200000000
END
cmp out want || die "stats"
ctl stats --all
says out "  tx_lost               0          0"
ctl limits
says out "eth0      1000000/100   -       -             -"
ctl flows
cat >want <<'END'
NIC   PROTO  STATE        GUEST                FAR             OUT       IN  AGE s  IDLE s
eth0  tcp    established  10.0.2.15:40000  ->  192.0.2.1:443   517  1000000   61.5     0.0
eth0  udp    -            [fd00::15]:53    <-  [fd00::2]:5353    0       40    0.1     0.1
and 5 more
END
cmp out want || die "flows"
called "query-flows {}"
ctl flows eth0 --max 2
called 'query-flows {"id":"eth0","max":2}'
ctl inspect
says out "    queue-0"
says out "      held: 256"
called "inspect {}"
ctl inspect /nics/eth0
called 'inspect {"path":"/nics/eth0"}'
ctl capture
says out "eth0      yes         12   3456        1     4000  /tmp/eth0.pcapng"

# The answer itself. (Options may stand anywhere.)
for words in "--json sock nics" "sock --json nics" "sock nics --json"; do
	# shellcheck disable=SC2086 # words
	expect 0 "$evnic" ctl $words
	[ "$(head -c 1 out)" = "[" ] || die "not a list: $words"
	grep -q '"id":	"bad\\u001b\[31m"' out || die "not the answer: $words"
	! grep -q CAPTURED out || die "a table: $words"
done
ctl stop --json
[ "$(cat out)" = "{
}" ] || die "not {}"

# What is sent.
ctl stop
lines out 0
called "stop {}"
ctl cont
called "cont {}"
ctl powerdown
called "system_powerdown {}"
ctl reset
called "system_reset {}"
ctl hostfwd-add eth0 tcp:127.0.0.1:2222-:22
called 'hostfwd_add {"id":"eth0","rule":"tcp:127.0.0.1:2222-:22"}'
ctl hostfwd-remove eth0 udp::1-:1
called 'hostfwd_remove {"id":"eth0","rule":"udp::1-:1"}'
ctl netdev-add b1 tap ifname=tap7 create=true
called 'netdev_add {"id":"b1","type":"tap","ifname":"tap7","create":true}'
ctl netdev-add b1 tap 'ifname="7"'
called 'netdev_add {"id":"b1","type":"tap","ifname":"7"}'
ctl netdev-del b1
called 'netdev_del {"id":"b1"}'
ctl netdev-replace eth0 b1
called 'netdev_replace {"id":"eth0","netdev":"b1"}'
ctl set-link eth0 down
called 'set_link {"name":"eth0","up":false}'
ctl set-link eth0 up
called 'set_link {"name":"eth0","up":true}'
ctl device-add eth1 b1 mac=06:00:00:00:00:09
called 'device_add {"id":"eth1","netdev":"b1","mac":"06:00:00:00:00:09","driver":"virtio-net-pci"}'
ctl device-del eth1
called 'device_del {"id":"eth1"}'
ctl limits eth0 rx_bandwidth=1000/100/5 rx_ops=10/20 tx_ops=0
called 'set-rate-limiter {"id":"eth0","rx_rate_limiter":{"bandwidth":{"size":1000,"refill_time":100,"one_time_burst":5},"ops":{"size":10,"refill_time":20}},"tx_rate_limiter":{"ops":{"size":0,"refill_time":0}}}'
ctl capture start eth0 f.pcapng --snaplen=128 --queues 0,1 --rotate-size 5
called "capture-start {\"id\":\"eth0\",\"snaplen\":128,\"rotate_size\":5,\"queues\":[0,1],\"path\":\"$PWD/f.pcapng\"}"
bad=$(printf 'bad\033[31m')
ctl capture start "$bad" f.pcapng
called "capture-start {\"id\":\"bad\\u001b[31m\",\"path\":\"$PWD/f.pcapng\",\"fd\":\"ctl\"}"
[ "$(stat -c %a f.pcapng)" = 600 ] || die "anybody may read the capture"
echo old >f.pcapng
fails 1 "eth0: a capture is active; stop it first" \
	sock capture start eth0 f.pcapng
fails 1 "x: there is no such NIC" sock capture start x f.pcapng
says f.pcapng "old"
fails 1 "no/f.pcapng: No such file or directory (ENOENT)" \
	sock capture start "$bad" no/f.pcapng
ctl capture start --stdout eth0
[ "$(cat out)" = "pcapng bytes" ] || die "not the capture"
called 'capture-start {"id":"eth0","stream":true}'
ctl capture stop eth0
says out "eth0  no           3     99        0      200  /a/b"
ctl qmp set_link '{"name": "eth0", "up": true}'
called 'set_link {"name":"eth0","up":true}'

# A descriptor of the caller's.
expect 0 sh -c 'exec "$1" ctl sock netdev-add b2 tap fd=7 7>passed' sh "$evnic"
called 'netdev_add {"id":"b2","type":"tap","fd":"ctl"}'
says passed "passed"
fails 1 "Bad file descriptor (EBADF)" sock netdev-add b2 tap fd=77

# What the machine refuses.
fails 1 "sock: query-stats: Device 'x' not found" sock stats x
fails 1 "sock: frob: The command frob has not been found" sock qmp frob
fails 1 "sock: set_link: Parameter 'a?b' is unexpected" sock qmp set_link \
	'{"a\nb": 1}'

# The live screen, one after another.
ctl top --batch 2
[ "$(grep -c '^NIC   Q  RX pkt/s' out)" = 2 ] || die "not two screens"
[ "$(grep -c '^eth0  1 ' out)" = 2 ] || die "not two rows"
! grep -q "$(printf '\033')" out || die "the screen is painted"
# On a terminal it is painted over itself; Ctrl-C ends it and nothing is left to
# put right. On a dumb one nothing is painted.
screen() { # TERM
	: >screen
	{
		tries=0
		until grep -q "eth0  1 " screen || [ $tries -gt 600 ]; do
			tries=$((tries + 1))
			sleep 0.1
		done
		printf '\003'
	} | TERM=$1 timeout -k 5 90 script -qec "trap : INT; stty -a >before
		'$evnic' ctl sock top; stty -a >after" /dev/null >screen || :
	cmp before after || die "the terminal is not as it was"
}
if command -v script >/dev/null; then
	screen vt100
	says screen "$(printf '\033[H')"
	says screen "eth0  1 "
	! grep -q "$(printf '\033')\\[?" screen || die "a mode was changed"
	screen dumb
	says screen "eth0  1 "
	! grep -q "$(printf '\033')" screen || die "a dumb screen is painted"
fi

# Events, until the machine ends.
"$evnic" ctl sock events >events 2>events-err &
events_pid=$!
tries=0
until grep -q '"event":"STOP"' events; do
	ctl stop
	tries=$((tries + 1))
	[ $tries -lt 1200 ] || die "no event"
	sleep 0.05
done
ctl quit
called "quit {}"
wait $toy_pid || die "the toy failed"
wait $events_pid || :
[ ! -e sock ] || die "the socket is still there"
grep -qE '^\{"timestamp":\{"seconds":[0-9]+,"microseconds":[0-9]+\},"event":"SHUTDOWN"\}' events ||
	die "no event at the end"
says events-err "the machine has ended"
