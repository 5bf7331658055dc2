# SPDX-License-Identifier: MIT
# What evnic calls under all the other tests is what its table says, and all of
# that: see strace_kinds.py.
#   strace.sh EVNIC SOURCE_DIR PAYLOAD GENERATOR
. "${0%/*}/netns.sh"
. "${0%/*}/guest.sh"
generator=$4
here=$(cd "${0%/*}" && pwd)

for need in strace python3; do
	command -v $need >/dev/null || skip "no $need (tools/deps peer)"
done

# An evnic whose machines are traced. The tracer is a process apart (-D), so
# that signals meet evnic.
mkdir traces
cat >traced <<END
#!/bin/sh
[ "\$1" = run ] || exec "$evnic" "\$@"
exec strace -D -f -qq -e signal=SIGSYS -o "$work/traces/\$\$" "$evnic" "\$@"
END
chmod +x traced

# It is slower.
export limit=100
for threads in '"iothreads": 0,' '"iothreads": 3,'; do
	describe 'smoke frames=500' "$threads" loopback
	expect 0 ./traced run vm.json
	says out "PASS"
done

# A capture that keeps one file: another one comes in its place; one that keeps
# two. A log that is opened anew.
mkdir caps
describe 'smoke frames=1000000000' \
	"\"sandbox\": { \"captures\": [\"$work/caps/*\"] }," loopback
./traced run vm.json --control sock --log-path log --pidfile pid \
	>console 2>err </dev/null &
pid=$!
within "$evnic" ctl sock status
expect 0 "$evnic" ctl sock capture start eth0 caps/a --rotate-size 131072 \
	--rotate-files 1
first=$(stat -c %i caps/a)
within sh -c '[ "$(stat -c %i caps/a)" != "$1" ]' sh "$first"
expect 0 "$evnic" ctl sock capture stop eth0
expect 0 "$evnic" ctl sock capture start eth0 caps/b --rotate-size 131072 \
	--rotate-files 2
within test -e caps/b.1
mv log old
kill -HUP "$(cat pid)"
within test -e log
expect 0 "$evnic" ctl sock quit
ended 0

# Frames into a tap, where nobody sends them back: the payload gives up.
ip tuntap add dev evnic0 mode tap
ip link set evnic0 up
describe smoke
sed 's/"type": "null"/"type": "tap", "host_dev_name": "evnic0"/' vm.json \
	>tap.json
expect 0 ./traced run tap.json
says out "FAIL: "
ip link del evnic0

# What becomes of these is not of interest here: traced, they are slow, and what
# is late fails.
for test in control metrics tap; do
	env -u EVNIC_NETNS sh -eu "$here/$test.sh" "$work/traced" "$source" \
		"$payload" >$test.out 2>&1 ||
		echo "$test: $(tail -n 1 $test.out)"
done

! grep -h -e '--- SIGSYS' traces/* || die "a call that is not allowed"
"$generator" calls >table
python3 "$here/strace_kinds.py" table traces/*
