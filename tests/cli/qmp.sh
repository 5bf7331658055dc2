# SPDX-License-Identifier: MIT
# One QMP dialogue, held with Debian's QEMU and with evnic through socat: what
# both say has the same shape. And what takes half a minute.
. "${0%/*}/guest.sh"

for program in socat qemu-system-x86_64 python3; do
	command -v $program >/dev/null ||
		skip "no $program (tools/deps peer lab)"
done

# wait_for SOCKET
wait_for() {
	tries=0
	until [ -S "$1" ]; do
		tries=$((tries + 1))
		[ $tries -lt 1200 ] || die "no socket"
		sleep 0.05
	done
}

# talk SOCKET: the dialogue, then the end of the machine. Answers and events go
# to standard output. The end is asked for once the answer to the last question
# is there, since an event may be on its way until then.
talk() {
	: >said
	{
		cat "$source/tests/cli/qmp.txt"
		tries=0
		until grep -q '"event": *"RESET"' said &&
			grep -q '"id": *17' said; do
			tries=$((tries + 1))
			[ $tries -lt 1200 ] || break
			sleep 0.05
		done
		echo '{"execute":"quit","id":"quit"}'
	} | timeout -k 5 120 socat -t 60 STDIO,ignoreeof UNIX-CONNECT:"$1" >said
}

timeout -k 5 200 qemu-system-x86_64 -accel tcg -m 32 -nodefaults -display none \
	-netdev hubport,id=n,hubid=0 \
	-device virtio-net-pci,netdev=n,id=eth0,romfile= \
	-qmp unix:qemu.sock,server=on,wait=off >qemu-out 2>&1 </dev/null &
qemu=$!
wait_for qemu.sock
talk qemu.sock
cp said qemu.said
wait $qemu || die "QEMU ended with an error: $(cat qemu-out)"

describe wait '"machine-config": { "on_reset": "restart" },' loopback
start vm.json --control evnic.sock
talk evnic.sock
cp said evnic.said
ended 0

python3 "$source/tests/cli/qmp_shapes.py" qemu.said evnic.said >out || die "shapes"
cat out

# A client that asks and asks and never reads is not read any more, and then
# disconnected; another one is served all the while.
"$evnic" run vm.json --control evnic.sock >console 2>log </dev/null &
pid=$!
wait_for evnic.sock
cat >deaf.py <<'END'
import select
import socket
import time

deaf = socket.socket(socket.AF_UNIX)
deaf.connect("evnic.sock")
deaf.sendall(b'{"execute":"qmp_capabilities"}')
deaf.setblocking(False)
ask, sent, end = b'{"execute":"query-commands"}' * 1000, 0, time.time() + 120
poll = select.poll()
poll.register(deaf, 0)
while time.time() < end and not poll.poll(100):
    try:
        sent += deaf.send(ask)
    except BlockingIOError:
        pass
    except OSError:
        break
else:
    assert time.time() < end, "still connected"
assert sent < 64 << 20, sent
print("disconnected after", sent, "bytes")
END
timeout -k 5 200 python3 deaf.py >deaf 2>&1 &
deaf=$!
tries=0
while kill -0 $deaf 2>/dev/null; do
	expect 0 "$evnic" ctl evnic.sock status
	[ "$(cat out)" = running ] || die "not served"
	tries=$((tries + 1))
	[ $tries -lt 2000 ] || break
	sleep 0.1
done
wait $deaf || die "the deaf client: $(cat deaf)"
cat deaf
grep -q "a client has read nothing for 30 s: it is disconnected" log ||
	die "not a word about it"
expect 0 "$evnic" ctl evnic.sock quit
ended 0
