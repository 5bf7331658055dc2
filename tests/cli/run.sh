# SPDX-License-Identifier: MIT
# evnic run: how it begins and how it ends, with the payload as the guest.
. "${0%/*}/guest.sh"

# Power-off and reset.
describe boot
expect 0 "$evnic" run vm.json
says err "the guest powered off"
describe reset
expect 0 "$evnic" run vm.json
says out "READY"
says err "the guest reset itself"
lines err 1

# Packets, over both transports, with threads and without.
for transport in pci mmio; do
	for threads in '' '"iothreads": 0,' '"iothreads": 3,'; do
		describe smoke "$threads
			\"machine-config\": {\"transport\": \"$transport\"}," \
			loopback
		expect 0 "$evnic" run vm.json
		says out "PASS"
	done
done

# Signals end it in order, a second one too; the pidfile goes.
describe wait
for signal in TERM INT HUP; do
	start --pidfile pid vm.json
	[ "$(cat pid)" = $pid ] || die "pidfile: $(cat pid), not $pid"
	kill -$signal $pid
	kill -$signal $pid 2>/dev/null || :
	ended 0
	[ ! -e pid ] || die "the pidfile is still there"
	says err "signal $signal: the machine ends"
done

# Under nohup a hang-up is nothing.
trap '' HUP
start vm.json
trap - HUP
kill -HUP $pid
kill -TERM $pid
ended 0
! grep -q HUP err || die "a hang-up was heard under nohup"

# Also on the way from one boot to the next.
describe reset '"machine-config": { "on_reset": "restart" },'
start --pidfile pid vm.json
tries=0
until [ "$(grep -c READY console)" -ge 3 ]; do
	tries=$((tries + 1))
	[ $tries -lt 200 ] || die "the guest is not booted again"
	sleep 0.05
done
kill -TERM $pid
ended 0
[ ! -e pid ] || die "the pidfile is still there"

# One evnic per pidfile; one that was killed leaves no obstacle.
describe wait
start vm.json --pidfile pid
expect 1 "$evnic" run vm.json --pidfile pid
says err "pid: another evnic runs with this pidfile (process $pid)"
lines err 1
[ "$(cat pid)" = $pid ] || die "the pidfile was changed"
kill -KILL $pid
wait $pid || :
[ -e pid ] || die "no pidfile is left to take over"
start vm.json --pidfile=pid
[ "$(cat pid)" = $pid ] || die "the pidfile was not taken over"
kill -TERM $pid
ended 0

# A pidfile that is none stays as it is; so does a description.
cp vm.json precious
expect 1 "$evnic" run vm.json --pidfile precious
says err "precious: is not a pidfile"
cmp vm.json precious
expect 1 "$evnic" run vm.json --pidfile missing/pid
says err "missing/pid: the pidfile cannot be written: No such file or directory (ENOENT)"
expect 1 "$evnic" run vm.json --pidfile .
says err ".: the pidfile cannot be written: Is a directory (EISDIR)"

# What cannot be run is told in one line, and leaves nothing behind.
fails() {
	expect "$1" "$evnic" run vm.json --pidfile pid
	lines err 1
	says err "$2"
	[ ! -e pid ] || die "the pidfile is still there"
}
echo '{}' >vm.json
fails 2 'vm.json:1:1: "boot-source" is missing'
echo "no kernel at all" >text
echo '{ "boot-source": { "kernel_image_path": "text" } }' >vm.json
fails 1 "text"
: >nothing
echo '{ "boot-source": { "kernel_image_path": "nothing" } }' >vm.json
fails 1 "nothing"
cat >vm.json <<END
{ "boot-source": { "kernel_image_path": "$payload" },
  "network-interfaces": [ { "iface_id": "a", "host_dev_name": "evnic-none" } ] }
END
fails 1 "evnic-none"
cat >vm.json <<END
{ "boot-source": { "kernel_image_path": "$payload" },
  "backends": [ { "id": "b", "type": "tap", "fd": 77 } ],
  "network-interfaces": [ { "iface_id": "a", "backend": "b" } ] }
END
fails 1 "77"
describe boot '"serial": { "type": "file", "path": "missing/serial" },'
fails 1 "missing/serial"
# initrd and memory
truncate -s 3M initrd
cat >vm.json <<END
{ "boot-source": { "kernel_image_path": "$payload", "initrd_path": "initrd" },
  "machine-config": { "mem_size_mib": 3 } }
END
fails 1 "initrd"
cat >vm.json <<END
{ "boot-source": { "kernel_image_path": "$payload" },
  "machine-config": { "mem_size_mib": 1 } }
END
fails 2 "vm.json:2:39: /machine-config/mem_size_mib: 1 is out of range"

# The console in a file.
describe wait '"serial": { "type": "file", "path": "serial" },'
"$evnic" run vm.json >out 2>err </dev/null &
pid=$!
tries=0
until grep -q READY serial 2>/dev/null; do
	tries=$((tries + 1))
	[ $tries -lt 200 ] || die "no READY in the file"
	sleep 0.05
done
kill -TERM $pid
ended 0
lines out 0

# Standard streams that are full or closed stop nothing.
describe smoke '' loopback
expect 0 sh -c '"$1" run vm.json >/dev/full' sh "$evnic"
expect 0 sh -c '"$1" run vm.json <&- >&- 2>&-' sh "$evnic"
expect 0 sh -c '"$1" run vm.json 2>/dev/full' sh "$evnic"
mkfifo closed
sleep 0 <closed &
expect 0 sh -c 'exec 3>closed; wait; "$1" run vm.json >&3' sh "$evnic"

# Too few file descriptors, wherever it begins to hurt: an error, no crash. (127
# is the dynamic loader, with fewer than it needs itself; 0 is enough.)
failures=0
for n in 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24; do
	status=0
	(ulimit -n $n && exec timeout -k 5 20 "$evnic" run vm.json) \
		>out 2>err </dev/null || status=$?
	case $status in
	0 | 127) ;;
	1)
		says err "Too many open files (EMFILE)"
		failures=$((failures + 1))
		;;
	*) die "status $status with $n file descriptors" ;;
	esac
done
[ $failures -ge 8 ] || die "only $failures limits were felt"

# Without KVM, or without the right to it.
if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
	expect 1 unshare -m sh -c \
		'mount --bind /dev/null /dev/kvm && "$1" run vm.json' sh "$evnic"
	says err "/dev/kvm"
	lines err 1
	mkdir dev
	expect 1 unshare -m sh -c '
		for f in null full; do : >dev/$f; mount --bind /dev/$f dev/$f; done
		mount --rbind dev /dev && "$1" run vm.json' sh "$evnic"
	says err "/dev/kvm"
	lines err 1
fi

# A consomme's forwards are bound at the start, or it is told why not; and so is
# how far the limit of open files goes.
describe wait '' consomme
sed 's/"type": "consomme"/&, "hostfwd": ["tcp:127.0.0.1:42201-:22"], "max_tcp": 1000000/' \
	vm.json >forward.json
start forward.json
says err 'flows that "max_tcp" and "max_udp" allow'
expect 1 "$evnic" run forward.json
says err 'n: tcp 127.0.0.1:42201: Address already in use (EADDRINUSE): somebody has'
kill -TERM $pid
ended 0
