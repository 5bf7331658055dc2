# SPDX-License-Identifier: MIT
# For the tests of the command line: each is a script run by sh -eu as
#   TEST EVNIC SOURCE_DIR
# in an empty directory that it may fill.

. "${0%/*}/../support/skip.sh"
evnic=$1
source=$2
work=$(mktemp -d)
# Nothing that a test has left in the background outlives it.
end() {
	jobs -p >"$work/left" # a subshell would have no jobs
	xargs -r kill -KILL <"$work/left" 2>/dev/null || :
	rm -rf "$work"
}
trap end EXIT
trap 'exit 1' TERM INT HUP
cd "$work"
unset CDPATH

die() {
	echo "FAILED: $*" >&2
	[ ! -s out ] || sed 's/^/  out: /' out >&2
	[ ! -s err ] || sed 's/^/  err: /' err >&2
	exit 1
}

# expect STATUS COMMAND...: runs it with output in the files out and err.
expect() {
	want=$1
	shift
	status=0
	timeout -k 5 "${limit:-20}" "$@" >out 2>err </dev/null || status=$?
	[ "$status" = "$want" ] || die "status $status, not $want: $*"
}

# says FILE TEXT: the file has a line that contains the text.
says() {
	grep -qF -e "$2" "$1" || die "$1 lacks: $2"
}

# lines FILE N
lines() {
	[ "$(wc -l <"$1")" -eq "$2" ] || die "$1 has not $2 lines"
}

# awaits FILE TEXT: the file comes to have a line that contains the text.
awaits() {
	tries=0
	until grep -qF -e "$2" "$1" 2>/dev/null; do
		tries=$((tries + 1))
		[ $tries -lt 1200 ] || die "$1 does not come to say: $2"
		sleep 0.05
	done
}
