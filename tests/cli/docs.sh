# SPDX-License-Identifier: MIT
# The generated documents are up to date. Here "evnic" is the generator.
. "${0%/*}/lib.sh"

expect 0 "$evnic" markdown
cmp out "$source/docs/description.md" ||
	die "docs/description.md is stale: run ninja docs"
expect 0 "$evnic" schema
cmp out "$source/docs/machine.schema.json" ||
	die "docs/machine.schema.json is stale: run ninja docs"
