# SPDX-License-Identifier: MIT
# Verbs, options, help, and streams that are closed or full.
. "${0%/*}/lib.sh"

expect 2 "$evnic"
says err "usage:"
expect 0 "$evnic" --help
says out "evnic check"
lines err 0
expect 0 "$evnic" --version
says out "evnic "
lines out 1
expect 2 "$evnic" launch
says err 'unknown verb "launch"'
lines err 1

for verb in run check host; do
	expect 0 "$evnic" "$verb" --help
	says out "usage: evnic $verb"
	expect 2 "$evnic" "$verb" --frobnicate
	says err 'unknown option "--frobnicate"'
	lines err 1
done
expect 2 "$evnic" check
says err "FILE is missing"
expect 2 "$evnic" check a b
says err 'unexpected argument "b"'
expect 2 "$evnic" host a
says err 'unexpected argument "a"'
expect 2 "$evnic" run vm.json --pidfile
says err 'a value is missing after "--pidfile"'

# A full disk is a failure, a closed stream is not a crash.
expect 1 sh -c '"$1" --version >/dev/full' sh "$evnic"
says err "No space left on device"
expect 0 sh -c '"$1" --version <&- >&-' sh "$evnic"
expect 2 sh -c '"$1" check missing.json <&- >&- 2>&-' sh "$evnic"
expect 2 sh -c '"$1" check missing.json 2>/dev/full' sh "$evnic"
