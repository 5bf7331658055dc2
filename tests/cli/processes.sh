# SPDX-License-Identifier: MIT
# evnic run is two processes: what the machine has of the opener's, and what is
# left when either of them is killed, at whatever time. (instances.sh: what the
# next one finds.)
. "${0%/*}/guest.sh"
tool=$4

# Here evnic need not run.
within() {
	tries=0
	until "$@" >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ $tries -lt 1200 ] || die "not within a minute: $*"
		sleep 0.05
	done
}

# Is that process there, and no zombie?
lives() {
	grep -q '^State:[[:space:]]*[^Z]' "/proc/$1/status" 2>/dev/null
}

gone() {
	! lives "$1"
}

nothing_left() {
	for file in sock metrics pid; do
		[ ! -e $file ] || die "$file is still there"
	done
}

describe wait '"control-socket": "sock", "metrics-socket": "metrics",'

# The machine holds what it needs, and nothing that the shell had open.
exec 9<"$0"
start vm.json --pidfile pid
exec 9<&-
m=$(machine)
[ -e "/proc/$pid/fd/9" ] || die "the opener lost a descriptor"
! find "/proc/$m/fd" -lname "*${0##*/}" | grep -q . ||
	die "the machine has the shell's descriptor"
for fd in 0 1; do
	readlink "/proc/$m/fd/$fd" | grep -q 'null$' || die "the machine's fd $fd"
done
[ "$(cat pid)" = $pid ] || die "the pidfile is not the opener's"

# The machine dies: the opener says so, gives everything back and ends.
kill -KILL "$m"
ended 1
says err "the machine was killed by signal KILL"
nothing_left

# On the way up: nothing is left, whenever it is.
for i in 1 3 5 7; do
	"$evnic" run vm.json --pidfile pid >console 2>err </dev/null &
	pid=$!
	sleep 0.00$i
	m=$(cat "/proc/$pid/task/$pid/children" 2>/dev/null) || :
	kill -KILL $pid
	wait $pid || :
	[ -z "$m" ] || within gone "${m% }"
done
start vm.json --pidfile pid

kill -TERM $pid
ended 0
nothing_left

# A terminal is put back, whoever is killed first.
describe wait
is_raw() {
	stty -a <"/proc/$pid/fd/0" | grep -q -- -icanon
}
: >console
"$tool" terminal console "$evnic" run vm.json 2>err &
terminal=$!
within grep -q READY console
pid=$(tr -d ' ' <"/proc/$terminal/task/$terminal/children")
within is_raw
kill -KILL "$(machine)"
status=0
wait $terminal || status=$?
[ $status = 1 ] || die "status $status: 99 is a terminal that was not put back"
says err "the machine was killed by signal KILL"
