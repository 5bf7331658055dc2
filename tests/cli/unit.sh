# SPDX-License-Identifier: MIT
# The systemd unit that is installed: systemd finds nothing wrong with it.
#   sh -eu unit.sh EVNIC UNIT
. "${0%/*}/../support/skip.sh"
evnic=$1
unit=$2
command -v systemd-analyze >/dev/null || skip "no systemd (tools/deps peer)"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# An evnic and pages that are there.
sed -e "s|^ExecStart=[^ ]*|ExecStart=$evnic|" -e '/^Documentation=/d' "$unit" \
	>"$work/evnic@web1.service"
grep -q "^ExecStart=$evnic run /etc/evnic/%i.json" "$work/evnic@web1.service"
systemd-analyze verify "$work/evnic@web1.service" 2>"$work/err" || {
	cat "$work/err" >&2
	echo "FAILED: systemd-analyze verify" >&2
	exit 1
}
if grep -F 'evnic@web1.service' "$work/err"; then
	echo "FAILED: systemd-analyze has remarks" >&2
	exit 1
fi
