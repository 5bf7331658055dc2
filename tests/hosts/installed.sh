# SPDX-License-Identifier: MIT
# In a clean Debian: the package (/guest/evnic.deb) is installed and looked at,
# or purged.
#   sh -eu installed.sh install|purge
doc=/usr/share/doc/evnic

die() {
	echo "FAILED: $*" >&2
	exit 1
}

# Every file that is not a package manager's own or a cache.
files() {
	find / -xdev -path /guest -prune -o -path /proc -prune -o \
		-path /sys -prune -o -path /dev -prune -o \
		-path /var/cache -prune -o -path /var/log -prune -o \
		-path /var/lib/apt -prune -o -path /var/lib/dpkg -prune -o \
		-path /etc/ld.so.cache -prune -o -print | sort
}

install() {
	files >/guest/before
	# debootstrap's package lists may have aged in the cache.
	apt-get install -y --no-install-recommends /guest/evnic.deb \
		>/guest/log 2>&1 ||
		{ apt-get update && apt-get install -y \
			--no-install-recommends /guest/evnic.deb; } \
			>/guest/log 2>&1 || {
		tail -n 20 /guest/log >&2
		die "apt cannot install it"
	}
	[ -s $doc/copyright ] || die "no copyright file"
	[ "$(command -v evnic)" = /usr/bin/evnic ] || die "another evnic"
	for page in man5/evnic.json.5.gz man8/evnic.8.gz; do
		gzip -t "/usr/share/man/$page" || die "$page"
	done
	for file in lib/systemd/system/evnic@.service \
		share/bash-completion/completions/evnic; do
		[ -s "/usr/$file" ] || die "$file"
	done
	[ "evnic $(dpkg-query -W -f '${Version}' evnic)" = "$(evnic --version)" ] ||
		die "the package has not the program's version"
	zgrep -q "^evnic ($(dpkg-query -W -f '${Version}' evnic))" \
		$doc/changelog.gz || die "the changelog has not this version"
	evnic host >/guest/host || [ $? = 1 ] || die "evnic host"
	grep '^kvm-verdict=' /guest/host
	# They name their guest's files in the directory where they are run.
	mkdir -p /guest/a/b /guest/a/build-release/quickstart
	cd /guest/a/b
	touch vmlinuz initrd.img ../build-release/quickstart/vmlinuz \
		../build-release/quickstart/initrd.img
	for example in $doc/examples/*.json; do
		evnic check "$example" || die "$example"
	done
	# Files that it has and that no package knows: none.
	dpkg --verify evnic
}

purge() {
	apt-get purge -y --autoremove evnic >/guest/log 2>&1 || {
		tail -n 20 /guest/log >&2
		die "apt cannot purge it"
	}
	files >/guest/after
	diff /guest/before /guest/after ||
		die "these files are not what they were before"
}

"$1"
