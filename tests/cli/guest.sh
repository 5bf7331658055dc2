# SPDX-License-Identifier: MIT
# For the tests of evnic run: a guest (the payload), begun and ended.
. "${0%/*}/lib.sh"
payload=$3

(: >/dev/kvm) 2>/dev/null || skip "/dev/kvm cannot be opened"

# describe MODE [KEYS]: vm.json with a null backend; KEYS end in a comma.
describe() {
	cat >vm.json <<-END
		{ "boot-source": { "kernel_image_path": "$payload",
		    "boot_args": "mode=$1" },
		  ${2:-}
		  "network-interfaces": [ { "iface_id": "eth0",
		    "guest_mac": "06:00:ac:10:00:02", "backend": "n" } ],
		  "backends": [ { "id": "n", "type": "${3:-null}" } ] }
	END
}

# start ARGS...: evnic in the background ($pid), until the guest is READY.
start() {
	: >console
	"$evnic" run "$@" >console 2>err </dev/null &
	pid=$!
	tries=0
	until grep -q READY console; do
		tries=$((tries + 1))
		[ $tries -lt 200 ] || die "the guest is not READY"
		runs || die "evnic ended early"
		sleep 0.05
	done
}

# Is the one in the background still there? (A shell may or may not have taken
# note of its end.)
runs() {
	case $(cut -d' ' -f3 /proc/$pid/stat 2>/dev/null) in
	Z | '') return 1 ;;
	esac
}

# ended STATUS: the one in the background ends by itself, soon.
ended() {
	status=0
	tries=0
	while runs; do
		tries=$((tries + 1))
		[ $tries -lt 400 ] || kill -KILL $pid
		sleep 0.05
	done
	wait $pid || status=$?
	[ $status = "$1" ] || die "status $status, not $1"
}

# within COMMAND...: it succeeds within a minute, and evnic runs all the time.
within() {
	tries=0
	until "$@" >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ $tries -lt 1200 ] || die "not within a minute: $*"
		runs || die "evnic ended early"
		sleep 0.05
	done
}

# The one in the background is the opener; its child is the machine.
machine() {
	tr -d ' ' <"/proc/$pid/task/$pid/children"
}
