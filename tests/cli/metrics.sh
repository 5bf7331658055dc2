# SPDX-License-Identifier: MIT
# The metrics socket of a running machine, and what evnic ctl shows of it.
. "${0%/*}/guest.sh"

ctl() {
	expect 0 "$evnic" ctl sock "$@"
}

# The socket comes with the machine, for its owner alone, and goes with it.
describe wait '"control-socket": "sock", "metrics-socket": "metrics",' loopback
start vm.json
[ "$(stat -c %a sock metrics | sort -u)" = 600 ] || die "the sockets' modes"

# Another machine does not take it, and leaves none of its own behind.
expect 1 "$evnic" run vm.json --control other
says err "metrics: another process listens on this socket"
lines err 1
[ ! -e other ] || die "the other socket is left behind"

# People's view.
ctl status
[ "$(cat out)" = running ] || die "status"
ctl nics
says out "eth0  virtio-net  06:00:ac:10:00:02  up    n       loopback       1"
ctl stats --all
says out "  tx_packets"
ctl inspect /nics/eth0
says out "mac: 06:00:ac:10:00:02"
expect 1 "$evnic" ctl sock inspect /nowhere
says err "inspect: Parameter 'path' does not accept value '/nowhere'"
ctl top --batch 1
says out "eth0  0 "
ctl set-link eth0 down

# The page.
if command -v curl >/dev/null; then
	page() { # STATUS ARGUMENT...
		want=$1
		shift
		curl -s -m 60 -o page -w '%{http_code} %{content_type}' \
			--unix-socket metrics "$@" >code
		[ "$(cut -d' ' -f1 code)" = "$want" ] || die "$(cat code): $*"
	}
	page 200 http://evnic/metrics
	says code "text/plain; version=0.0.4"
	says page '# TYPE evnic_rx_packets_total counter'
	says page 'evnic_rx_packets_total{nic="eth0",queue="0"} 0'
	says page '# TYPE evnic_ring_rx_held gauge'
	says page '# TYPE evnic_loop_busy_seconds_total counter'
	says page 'evnic_link_up{nic="eth0"} 0'
	says page 'evnic_nic_info{nic="eth0",model="virtio-net",netdev="n",backend="loopback"} 1'
	# Each line is a comment or NAME{LABELS} NUMBER.
	! grep -vE '^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+\{[^}]*\} [0-9.]+)$' page ||
		die "the page"
	page 200 http://evnic/
	page 404 http://evnic/other
	page 405 -X POST http://evnic/metrics
	page 200 -I http://evnic/metrics
	page 431 -H "X: $(head -c 5000 /dev/zero | tr '\0' x)" \
		http://evnic/metrics
fi
ctl quit
ended 0
[ ! -e sock ] && [ ! -e metrics ] || die "sockets are left behind"

# A stale socket is no obstacle; a path that cannot be is told.
start vm.json
kill -KILL $pid
wait $pid || :
[ -S metrics ] || die "no stale socket"
start vm.json
ctl quit
ended 0
describe wait '"metrics-socket": "none/metrics",'
expect 1 "$evnic" run vm.json
says err "none/metrics: the socket cannot be made: No such file or directory (ENOENT)"
