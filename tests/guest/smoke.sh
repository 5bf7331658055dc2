#!/bin/sh
# SPDX-License-Identifier: MIT
# smoke.sh EVNIC PAYLOAD TRANSPORT IOTHREADS BUSY_POLL_US [ARGS]: the payload
# under evnic, its NIC on a loopback, frames out and back. Skipped (77) without
# /dev/kvm.
set -eu
. "${0%/*}/../support/skip.sh"
evnic=$1
payload=$2
transport=$3
iothreads=$4
busy_poll_us=$5
args=${6-}

if [ ! -r /dev/kvm ] || [ ! -w /dev/kvm ]; then
	skip "/dev/kvm is absent or not ours to open"
fi

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mac=06:00:ac:10:00:02
cat >"$dir/machine.json" <<END
{
  "boot-source": {
    "kernel_image_path": "$payload",
    "boot_args": "mode=smoke $args"
  },
  "machine-config": {
    "vcpu_count": 1, "mem_size_mib": 64, "transport": "$transport"
  },
  "iothreads": $iothreads,
  "backends": [ { "id": "l0", "type": "loopback" } ],
  "network-interfaces": [
    {
      "iface_id": "eth0", "backend": "l0", "guest_mac": "$mac",
      "busy_poll_us": $busy_poll_us
    }
  ]
}
END

fail()
{
	echo "FAIL: $1" >&2
	exit 1
}

status=0
timeout 60 "$evnic" run "$dir/machine.json" </dev/null >"$dir/console" ||
	status=$?
cat "$dir/console"
[ "$status" -eq 0 ] || fail "evnic ends with status $status, not 0"
grep -q "^virtio-net over $transport" "$dir/console" ||
	fail "the NIC is not on $transport"
grep -q "^PASS frames=1455 .* mac=0600ac100002" "$dir/console" ||
	fail "no PASS with all frames and the MAC of the description"
