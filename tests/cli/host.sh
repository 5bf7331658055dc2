# SPDX-License-Identifier: MIT
# evnic host: a line for each feature of the README's table, tried.
. "${0%/*}/lib.sh"

# report COMMAND...: out; the status says what the verdict says.
report() {
	status=0
	timeout -k 5 60 "$@" >out 2>err </dev/null || status=$?
	case $status-$(sed -n '$s/^kvm-verdict=//p' out) in
	0-usable | 1-absent | 1-denied | 1-unfit | 1-broken | 1-slow) ;;
	*) die "status $status: $*" ;;
	esac
	lines err 0
}

report "$evnic" host
sed -n '/^| feature |/,/^$/s/^| *\([^ |]*\) *| *\([^ |]*\).*/\1 \2/p' \
	"$source/README.md" | grep -v -e '^-' >documented
[ "$(wc -l <documented)" -gt 10 ] || die "no table of features in README.md"
sed '/^memory/,$d' out | awk '{ print $1, $2 }' >printed
cmp documented printed || die "README.md and evnic host name other features"
tail -n +3 out | sed '/^memory/,$d; s/^[^ ]* *[^ ]* *//' |
	grep -vE '^(usable|missing: .*; without it: .*|not tried; .*)$' >odd || :
lines odd 0

# A trial that has to fail. As root, since mounting takes that.
if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
	[ ! -c /dev/net/tun ] || report unshare -m sh -c \
		'mount -t tmpfs none /dev/net && "$1" host' sh "$evnic"
	grep -q '^tap  *2[.]6[.]35  *missing: No such file' out ||
		die "a tap without /dev/net/tun"
	grep -q '^tap-queues  *3[.]8  *missing: ' out ||
		die "queues of a tap without /dev/net/tun"
	report unshare -m sh -c \
		'mount --bind /dev/null /dev/kvm && "$1" host' sh "$evnic"
	says out "kvm-verdict=unfit"
fi

# And ones that change nothing.
if [ -d /proc/self/ns ]; then
	readlink /proc/self/ns/* >before
	ls /sys/class/net >>before
	report sh -c '"$1" host; s=$?; readlink /proc/self/ns/* >after
		ls /sys/class/net >>after; exit $s' sh "$evnic"
	cmp before after || die "evnic host has changed the host"
fi
