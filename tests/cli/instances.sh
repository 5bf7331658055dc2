# SPDX-License-Identifier: MIT
# A second machine that wants what the first has is told so; what a machine that
# was killed had can be had at once.
if [ -z "${EVNIC_NETNS:-}" ] &&
	unshare -nm sh -c 'mount -t sysfs sysfs /sys &&
	    ip tuntap add dev evnic0 mode tap' 2>/dev/null; then
	EVNIC_NETNS=1 exec unshare -nm sh -eu "$0" "$@"
fi
. "${0%/*}/guest.sh"

describe wait
with_tap=false
if [ -n "${EVNIC_NETNS:-}" ]; then
	mount -t sysfs sysfs /sys
	ip tuntap add dev evnic0 mode tap
	with_tap=true
	sed -i 's/"type": "null"/"type": "tap", "host_dev_name": "evnic0"/' \
		vm.json
fi
describe_other() {
	sed "s|^  \"network|  $1 &|" vm.json >other.json
}
describe_other '"metrics-socket": "metrics",'
mv other.json first.json
all="--pidfile pid --control sock --log-path log"

# refused TEXT OPTIONS...: a second machine is, with that text, and takes nothing
# from the first, nor leaves anything.
refused() {
	text=$1
	shift
	expect 1 "$evnic" run other.json "$@"
	says err "$text"
	[ -S sock ] && [ -S metrics ] && [ -e pid ] ||
		die "the first machine has lost something"
	[ "$(cat pid)" = $pid ] || die "the pidfile was changed"
	[ ! -e pid2 ] && [ ! -S sock2 ] || die "something is left"
	runs || die "the first machine has ended"
}

# gone PID: it ends, or waits to be buried.
gone() {
	tries=0
	while case $(cut -d' ' -f3 /proc/$1/stat 2>/dev/null) in
	Z | '') false ;;
	esac do
		tries=$((tries + 1))
		[ $tries -lt 1200 ] || die "process $1 is still there"
		sleep 0.05
	done
}

start first.json $all
describe wait # no tap
cp vm.json other.json
refused "pid: another evnic runs with this pidfile (process $pid)" \
	--pidfile pid
refused "sock: another process listens on this socket" \
	--pidfile pid2 --control sock
describe_other '"metrics-socket": "metrics",'
refused "metrics: another process listens on this socket" \
	--pidfile pid2 --control sock2
if $with_tap; then
	cp first.json other.json
	refused "evnic0: TUNSETIFF: Device or resource busy (EBUSY)" \
		--pidfile pid2 --control sock2
fi
expect 0 "$evnic" ctl sock status

# The log can be shared.
describe boot
expect 0 "$evnic" run vm.json --log-path log --id web2
says log " info: web2: the guest powered off"

# Killed, either of the two, and started again at once: the machine of before may
# still be on its way out.
for i in 1 2 3; do
	machine=$(pgrep -P $pid)
	kill -KILL $pid
	wait $pid || :
	start first.json $all
	[ "$(cat pid)" = $pid ] || die "the pidfile was not taken over"
	expect 0 "$evnic" ctl sock status
	gone "$machine"
done
for i in 1 2 3; do
	kill -KILL "$(pgrep -P $pid)"
	ended 1
	says log "the machine was killed by signal KILL"
	[ ! -e pid ] && [ ! -e sock ] && [ ! -e metrics ] ||
		die "something is left of a killed machine"
	start first.json $all
	expect 0 "$evnic" ctl sock status
done
kill -TERM $pid
ended 0
[ ! -e pid ] && [ ! -e sock ] && [ ! -e metrics ] || die "something is left"
