# SPDX-License-Identifier: MIT
# The generated documents are up to date. Here "evnic" is the generator.
. "${0%/*}/lib.sh"

expect 0 "$evnic" man8
cmp out "$source/docs/evnic.8" || die "docs/evnic.8 is stale: run ninja docs"
expect 0 "$evnic" man5
cmp out "$source/docs/evnic.json.5" ||
	die "docs/evnic.json.5 is stale: run ninja docs"
expect 0 "$evnic" markdown
cmp out "$source/docs/description.md" ||
	die "docs/description.md is stale: run ninja docs"
expect 0 "$evnic" schema
cmp out "$source/docs/machine.schema.json" ||
	die "docs/machine.schema.json is stale: run ninja docs"
expect 0 "$evnic" control
cmp out "$source/docs/control.md" ||
	die "docs/control.md is stale: run ninja docs"
# It knows every event that is sent.
for event in $(sed -n 's/.*commands_send(.*"\([A-Z_]*\)".*/\1/p;
	s/.*\[NET_EVENT_[A-Z_]*\] = "\([A-Z_]*\)".*/\1/p' \
	"$source/src/machine/commands.c") RESUME; do
	grep -q "^| .$event. |" out || die "docs/control.md lacks $event"
done

expect 0 "$evnic" features
sed -n '/^| feature |/,/^$/{/^$/!p;}' "$source/README.md" | cmp - out ||
	die "README.md: the table of features is not evnic_generate's"

expect 0 "$evnic" calls
sed -n '/^| | different system calls |/,$p' "$source/docs/security.md" |
	cmp - out || die "docs/security.md: the tables of system calls are not those of evnic_generate calls"
