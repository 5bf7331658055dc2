# SPDX-License-Identifier: MIT
# For the tests that make TAPs: begins the script anew in a network namespace of
# its own, where /sys shows that one.
. "${0%/*}/../support/skip.sh"
if [ -z "${EVNIC_NETNS:-}" ]; then
	unshare -nm sh -c 'mount -t sysfs sysfs /sys &&
		ip tuntap add dev evnic0 mode tap' 2>/dev/null ||
		skip "no right to make a TAP"
	export EVNIC_NETNS=1
	exec unshare -nm sh -eu "$0" "$@"
fi
mount -t sysfs sysfs /sys
