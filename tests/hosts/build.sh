#!/bin/bash
# SPDX-License-Identifier: MIT
#
# build.sh SUITE: evnic on another Debian: tools/deps, builds with its compiler
# from a fresh copy of the sources, and the tests there. What needs only a build
# (unit, conformance, fuzz) always runs, the payload's and the command line's
# tests as far as /dev/kvm lets them.
. "${0%/*}/lib.sh"

suite=$1
make_system root "$suite" build test package
copy_source root
# shellcheck disable=SC2016 # for the other shell
inside root sh -euc '
	. /etc/os-release
	echo "== $PRETTY_NAME, $(gcc --version | head -n 1)"
	cd /src
	for type in Release Debug; do
		cmake -S . -B "build-$type" -G Ninja -DCMAKE_BUILD_TYPE=$type \
			-DEVNIC_WERROR=ON >/dev/null
		cmake --build "build-$type" >build.log 2>&1 || {
			grep -E -A 20 "FAILED|error" build.log | head -n 60
			exit 1
		}
	done
	ctest --test-dir build-Debug -L "unit|conformance|fuzz|payload|cli" -LE full \
		--output-on-failure --no-tests=error -j "$(nproc)"
' </dev/null || die "Debian $suite: the build or a test"
