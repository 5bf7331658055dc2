#!/bin/sh
# SPDX-License-Identifier: MIT
# count_ring0.sh PAYLOAD MAX: the ring-0 code of the payload is one straight
# line of at most MAX instructions that ends in IRETQ.
set -eu
payload=$1
max=$2

address()
{
	nm "$payload" | awk -v name="$1" '$3 == name { print "0x" $1 }'
}

# The section changes from 32-bit to 64-bit code at long_mode.
mode=$(address long_mode)
code=$(
	objdump -d --no-show-raw-insn -j .ring0 -m i386 \
		--stop-address="$mode" "$payload"
	objdump -d --no-show-raw-insn -j .ring0 -m i386:x86-64 \
		--start-address="$mode" "$payload"
)
code=$(printf '%s\n' "$code" | grep -E '^ +[0-9a-f]+:')
count=$(printf '%s\n' "$code" | wc -l)
jumps=$(printf '%s\n' "$code" | grep -cE '\s(j[a-z]+|call|loop[a-z]*)\s' || true)

echo "$count ring-0 instructions, at most $max"
if [ "$count" -gt "$max" ]; then
	echo "FAIL: too many instructions" >&2
	exit 1
fi
if [ "$jumps" -ne 0 ]; then
	echo "FAIL: a jump beside the one into 64-bit mode" >&2
	exit 1
fi
if ! printf '%s\n' "$code" | tail -n 1 | grep -q iretq; then
	echo "FAIL: the last instruction is not iretq" >&2
	exit 1
fi
