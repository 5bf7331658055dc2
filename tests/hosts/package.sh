#!/bin/bash
# SPDX-License-Identifier: MIT
#
# package.sh SUITE PAYLOAD: the Debian package, built on that Debian, in a clean
# one: apt finds what it depends on, the program works (installed.sh), a guest
# runs (the payload), and purging it leaves nothing. The guest runs for root and
# for a plain user, on a system of its own and in a chroot.
. "${0%/*}/lib.sh"

suite=$1 payload=$2
make_system builder "$suite" build test package
copy_source builder
# Twice: the bytes must be the same.
inside builder sh -euc '
	cd /src
	cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release \
		-DEVNIC_WERROR=ON -DBUILD_TESTING=OFF >log
	cmake --build build >log 2>&1
	cd build
	export SOURCE_DATE_EPOCH=1700000000
	cpack -G DEB >../log 2>&1
	mkdir first
	mv evnic_*.deb first/
	cpack -G DEB >../log 2>&1
	cmp first/evnic_*.deb evnic_*.deb
' </dev/null || {
	tail -n 20 "$system/builder/src/log" >&2 || :
	die "Debian $suite: the package was not built"
}

make_system clean "$suite"
guest=$system/clean/guest
mkdir "$guest"
cp "$system"/builder/src/build/evnic_*.deb "$guest/evnic.deb"
cp "$payload" "$source/tests/hosts/installed.sh" "$guest/"
rm -rf "$system/builder"

# describe NAME [KEYS]: a machine; KEYS end in a comma.
describe() {
	cat >"$guest/$1.json" <<-END
		{ "boot-source": { "kernel_image_path": "/guest/payload",
		    "boot_args": "mode=smoke" },
		  "machine-config": { "mem_size_mib": 64 }, ${2:-}
		  "network-interfaces": [ { "iface_id": "eth0",
		    "guest_mac": "06:00:ac:10:00:02", "backend": "l" } ],
		  "backends": [ { "id": "l", "type": "loopback" } ] }
	END
}

# runs NAME HOW SYSTEM COMMAND...: evnic run NAME.json: the guest says PASS.
runs() {
	local name=$1
	shift
	"$@" timeout -k 5 60 evnic run "/guest/$name.json" \
		</dev/null >"$system/out" 2>"$system/err" ||
		die "$* evnic run $name.json: $(cat "$system/err")"
	grep -q PASS "$system/out" || die "$*: $(cat "$system/out")"
	echo "runs: $name.json, $*"
}

# weak: the last run, or try to, spoke of the namespaces that it lacked.
weak() {
	grep -q "sandbox: user namespace: Operation not permitted" \
		"$system/err" || die "weak, but: $(cat "$system/err")"
}

inside clean sh -eu /guest/installed.sh install </dev/null ||
	die "Debian $suite: the package, installed"
if (: >/dev/kvm) 2>/dev/null; then
	plain=(setpriv --reuid=1000 --regid=1000 --clear-groups)
	describe vm
	describe lax '"sandbox": { "require_sandbox": false },'
	runs vm inside clean
	runs vm inside clean "${plain[@]}"
	runs vm chrooted clean
	# A chroot has no user namespaces to give: less confinement, and not
	# unless that is asked for.
	! (runs vm chrooted clean "${plain[@]}") 2>/dev/null ||
		die "a plain user in a chroot is confined?"
	weak
	runs lax chrooted clean "${plain[@]}"
	weak
else
	echo "/dev/kvm cannot be opened here: no guest was run"
fi
inside clean sh -eu /guest/installed.sh purge </dev/null ||
	die "Debian $suite: the package, purged"
