# SPDX-License-Identifier: MIT
# The log of evnic run: where lines go and how they look, rotation, a disk that
# is full.
. "${0%/*}/guest.sh"

stamp='^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{6}Z '

# stamped FILE N: so many lines, all with a time.
stamped() {
	lines "$1" "$2"
	[ "$(grep -cE "$stamp" "$1")" -eq "$2" ] || die "times in $1"
}

# The machine is called as its description is, or as it is told.
describe boot
expect 0 "$evnic" run vm.json
says err "evnic: info: vm: the guest powered off"
expect 0 "$evnic" run --id web1 vm.json
says err "evnic: info: web1: the guest powered off"
describe boot '"id": "web2", "logger": { "show_level": false },'
expect 0 "$evnic" run vm.json
says err "evnic: web2: the guest powered off"
expect 0 "$evnic" run vm.json --level ERROR
lines err 0

# A file has all, with times; what is there stays.
describe boot '"logger": { "log_path": "log", "level": "Debug" },'
echo "here before" >log
expect 0 "$evnic" run vm.json
lines err 0
says log "here before"
grep -qE "${stamp}info: vm: the guest powered off\$" log ||
	die "the end is not in the log"
expect 0 "$evnic" run vm.json --log-path other --level info --id web1
stamped other 1
says other " info: web1: the guest powered off"
[ "$(stat -c %a other)" = 640 ] || die "the log's mode"

# What goes wrong is there, too.
expect 1 "$evnic" run vm.json --log-path other --pidfile missing/pid
says other "missing/pid: the pidfile cannot be written"
lines err 1
says err "evnic: vm: failed: see other"
expect 1 "$evnic" run vm.json --log-path missing/log
says err "missing/log: the log file cannot be opened: No such file or directory (ENOENT)"
expect 2 "$evnic" run vm.json --level loud
says err 'no such level "loud"'
expect 2 "$evnic" run vm.json --id ''
says err "--id"

# A log that is full stops nothing.
expect 0 "$evnic" run vm.json --log-path /dev/full
lines err 0

# The log is moved away: both processes write to the new one. Twice, since the
# first time may be special.
describe wait
rm log other
start vm.json --log-path log --level info
for old in 1 2; do
	mv log log.$old
	kill -HUP $pid
	awaits log "the log goes on here"
done
child=$(pgrep -P $pid)
kill -TERM $pid
ended 0
stamped log 2
says log "signal TERM: the machine ends"
lines log.1 0
stamped log.2 1

# So does one that was cut.
start vm.json --log-path log
: >log
kill -KILL "$(pgrep -P $pid)"
ended 1
stamped log 1
says log "the machine was killed by signal KILL"

# Also under nohup: there a hang-up is about the log alone.
rm -f log
trap '' HUP
start vm.json --log-path log
trap - HUP
kill -HUP $pid
awaits log "the log goes on here"
kill -TERM $pid
ended 0

# A disk that fills up, and has room again: SIGUSR1 has much to say.
if unshare -m mount -t tmpfs tmpfs /mnt 2>/dev/null; then
	mkdir small
	limit=90 expect 0 unshare -m sh -euc '
		mount -t tmpfs -o size=64k tmpfs small
		: >console
		"$1" run vm.json --log-path small/log --control sock \
			>console </dev/null &
		tries=0
		until grep -q READY console; do
			tries=$((tries + 1))
			[ $tries -lt 1200 ] || exit 1
			sleep 0.05
		done
		dd if=/dev/zero of=small/rest bs=4k 2>/dev/null || :
		kill -USR1 "$(pgrep -P $!)"
		for i in 1 2 3; do "$1" ctl sock inspect / >/dev/null; done
		rm small/rest
		kill -TERM $!
		wait $!
		cp small/log .' sh "$evnic"
	says log " lines were lost: No space left on device (ENOSPC)"
	says log "signal TERM: the machine ends"
fi

# If there can be no new one the old one stays.
mkdir logs
start vm.json --log-path logs/log
mv logs gone
kill -HUP $pid
awaits gone/log "logs/log: the log file cannot be opened anew: No such file or directory (ENOENT): lines go to the old one"
kill -TERM $pid
ended 0
says gone/log "signal TERM: the machine ends"
