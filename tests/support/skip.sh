# SPDX-License-Identifier: MIT
# For test scripts: the reason why nothing can be shown on this host, which is no
# excuse where CI=true (as skip.h for programs).
skip() {
	echo "SKIPPED: $*" >&2
	[ "${CI:-}" != true ] || exit 1
	exit 77
}
