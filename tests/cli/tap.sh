# SPDX-License-Identifier: MIT
# evnic run with a TAP: made, found, busy, wrong, and deleted on the way. In a
# network namespace of its own.
. "${0%/*}/netns.sh"
. "${0%/*}/guest.sh"

describe wait

# tap KEYS: the backend becomes a TAP with these keys.
tap() {
	describe wait
	sed 's/"type": "null"/"type": "tap", '"$1"'/' vm.json >tap.json
}

link() {
	ip link show "$1" >/dev/null 2>&1
}

# A missing one is an error, made on request, and gone in the end.
tap '"host_dev_name": "evnic0"'
expect 1 "$evnic" run tap.json
says err "evnic0: no such network interface"
! link evnic0 || die "evnic0 was made"
tap '"host_dev_name": "evnic0", "create": true'
start tap.json
link evnic0 || die "evnic0 was not made"
kill -TERM $pid
ended 0
! link evnic0 || die "evnic0 is still there"

# One that exists stays, and serves one process.
tap '"host_dev_name": "evnic0"'
ip tuntap add dev evnic0 mode tap
start tap.json
expect 1 "$evnic" run tap.json
says err "Device or resource busy (EBUSY)"
kill -TERM $pid
ended 0
link evnic0 || die "evnic0 is gone"

# Its process was killed: it is free at once.
for i in 1 2 3; do
	start tap.json
	kill -KILL $pid
done
start tap.json
kill -TERM $pid
ended 0

# A name alone is enough, as in a Firecracker file.
sed 's/"backend": "n"/"host_dev_name": "evnic0"/' vm.json >fc.json
start fc.json
kill -TERM $pid
ended 0

# Deleted on the way: the machine runs on, and ends in order.
start tap.json
ip link set evnic0 up
ip link del evnic0
sleep 0.5
runs || die "evnic ended with its TAP"
kill -TERM $pid
ended 0

# Told to whoever listens, and made good by another one.
linked() {
	"$evnic" ctl sock nics | grep -q " $1 "
}

# listen: events to a file, which is not empty when they come.
listen() {
	"$evnic" ctl sock events >events 2>/dev/null &
	listener=$!
	within sh -c '"$1" ctl sock stop; "$1" ctl sock cont; [ -s events ]' \
		sh "$evnic"
}

ip tuntap add dev evnic0 mode tap
ip link set evnic0 up
expect 0 sed 's/^{/{ "sandbox": { "taps": ["evnic[1]", "*ic1"] },/' tap.json
mv out allowed.json
start allowed.json --control sock
listen
within linked up
ip link del evnic0
within grep -q BACKEND_LOST events
within linked down
ip tuntap add dev evnic1 mode tap
ip link set evnic1 up
expect 1 "$evnic" ctl sock netdev-add x tap ifname=evnic2
says err 'evnic2: not a TAP interface that this machine may open: start it with'
expect 1 "$evnic" ctl sock netdev-add x tap ifname=evnic0 create=true
says err 'not a TAP interface that this machine may open'
! link evnic0 || die "evnic0 was made"
expect 0 "$evnic" ctl sock netdev-add m tap ifname=evnic1
expect 0 "$evnic" ctl sock netdev-replace eth0 m
within grep -q BACKEND_BACK events
within linked up
expect 0 "$evnic" ctl sock netdev-del n
expect 1 "$evnic" ctl sock netdev-add x tap ifname=evnic1
says err "EBUSY"
expect 0 "$evnic" ctl sock quit
ended 0
wait $listener || :
ip link del evnic1

# As many queues as the NIC has pairs.
describe wait
sed 's/"type": "null"/"type": "tap", "host_dev_name": "evnic0"/
    s/"backend": "n"/"backend": "n", "queue_pairs": 2/' vm.json >mq.json
ip tuntap add dev evnic0 mode tap
expect 1 "$evnic" run mq.json
says err "multi_queue"
ip link del evnic0
ip tuntap add dev evnic0 mode tap multi_queue
start mq.json
kill -TERM $pid
ended 0
ip link del evnic0

# One with several queues serves a NIC with one.
ip tuntap add dev evnic0 mode tap multi_queue
start tap.json
kill -TERM $pid
ended 0
ip link del evnic0

# Descriptors: of the description, in a network namespace where the machine and
# its opener are not, and passed later. The machine is another user, who owns
# nothing of this.
cat >open_tap.py <<-'END'
	import fcntl, os, struct, sys
	fd = os.open("/dev/net/tun", os.O_RDWR)
	flags = 0x0002 | 0x1000 | 0x4000  # IFF_TAP, IFF_NO_PI, IFF_VNET_HDR
	fcntl.ioctl(fd, 0x400454ca, struct.pack("16sH22x", sys.argv[1].encode(), flags))
	os.dup2(fd, 9)
	os.execvp(sys.argv[2], sys.argv[2:])
END
others='"sandbox": { "uid": 65534, "gid": 65534, "taps": ["evnic*"] },'
describe wait "$others"
sed 's/"type": "null"/"type": "tap", "fd": 9/' vm.json >fd.json
unshare -n python3 open_tap.py evnic7 sh -c '
	ip link set evnic7 up
	exec nsenter --net=/proc/'$$'/ns/net "$@"' sh \
	"$evnic" run fd.json --control sock >console 2>err </dev/null &
pid=$!
within linked up
expect 0 "$evnic" ctl sock inspect /netdevs
expect 0 python3 open_tap.py evnic8 "$evnic" ctl sock netdev-add m tap fd=9
expect 0 "$evnic" ctl sock netdev-replace eth0 m
link evnic8 || die "evnic8 is gone"
within linked down
ip link set evnic8 up
within linked up
expect 0 "$evnic" ctl sock netdev-add o tap ifname=evnic9 create=true queues=4
expect 0 "$evnic" ctl sock netdev-replace eth0 o
link evnic9 || die "evnic9 was not made"
expect 0 "$evnic" ctl sock netdev-del m
within sh -c '! ip link show evnic8'
expect 0 "$evnic" ctl sock netdev-replace eth0 n
within linked up
expect 0 "$evnic" ctl sock netdev-del o
within sh -c '! ip link show evnic9'
expect 0 "$evnic" ctl sock quit
ended 0

# The number of one that is none.
expect 1 "$evnic" run fd.json
says err "fd 9: Bad file descriptor (EBADF): not an open /dev/net/tun; pass a tap"

# The wrong kind.
ip tuntap add dev evnic0 mode tun
expect 1 "$evnic" run tap.json
says err "tun interface"
tap '"host_dev_name": "lo"'
expect 1 "$evnic" run tap.json
says err "lo: not a tap"
