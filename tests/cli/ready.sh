# SPDX-License-Identifier: MIT
# Who waits for the machine is told when it runs: by a file descriptor and by
# systemd's protocol.
. "${0%/*}/guest.sh"
notify_server=$4

# A line, and the end of the file though the machine runs on; the control socket
# takes commands by then. A shell waits with read.
describe wait
mkfifo ready
"$evnic" run vm.json --control sock --ready-fd 5 5>ready >console 2>err \
	</dev/null &
pid=$!
timeout 60 cat ready >told || die "no end of file"
[ "$(cat told)" = READY ] || die "told: $(cat told)"
expect 0 "$evnic" ctl sock status
runs || die "evnic ended early"
kill -TERM $pid
ended 0

# A machine that never ran is not ready.
describe wait '"serial": { "type": "file", "path": "missing/serial" },'
expect 1 sh -c '"$1" run vm.json --ready-fd 5 5>told' sh "$evnic"
lines told 0

# What is no file descriptor is an error; one that nobody reads is none.
describe boot
for fd in 77 -1 x 1x '' 99999999999999999999; do
	expect 2 "$evnic" run vm.json --ready-fd "$fd"
	says err "--ready-fd"
done
sleep 0 <ready &
expect 0 sh -c 'exec 5>ready; wait; "$1" run vm.json --ready-fd 5' sh "$evnic"

# systemd hears it from the process that it started, the log's reload too.
describe wait '"serial": { "type": "none" },'
"$notify_server" "$work/notify" "$evnic" run vm.json --pidfile pid \
	--log-path log >told 2>err </dev/null &
pid=$!
awaits told "main: READY=1 STATUS=The machine runs."
lines told 1
kill -HUP "$(cat pid)"
awaits told "main: RELOADING=1 MONOTONIC_USEC="
tries=0
until [ "$(grep -c READY=1 told)" = 2 ]; do
	tries=$((tries + 1))
	[ $tries -lt 1200 ] || die "the reload does not end"
	sleep 0.05
done
kill -TERM "$(cat pid)"
ended 0
says told "main: STOPPING=1"
lines told 4

# Also if the guest ends, and if nobody listens.
describe boot '"serial": { "type": "none" },'
expect 0 "$notify_server" "$work/notify" "$evnic" run vm.json
says out "main: STOPPING=1"
expect 0 env NOTIFY_SOCKET="$work/nowhere" "$evnic" run vm.json
says err "evnic: warning: vm: systemd cannot be notified: No such file or directory (ENOENT)"
