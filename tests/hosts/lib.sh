# SPDX-License-Identifier: MIT
#
# For the tests on other Debians: systems made for one test, run, thrown away.
#
# A system is debootstrap's minimal Debian, if asked for with what tools/deps
# installs. Both are made once and kept as archives in the cache
# ($XDG_CACHE_HOME/evnic/hosts), the latter for as long as tools/deps does not
# change; remove the cache to begin anew. An archive gets its name when it is
# whole, under a lock. What apt downloads on the way is not kept.
#
# Commands run in mount and pid namespaces of their own: when the last process
# ends, killed or not, no mount and no process is left.
#
# Needs root, debootstrap, and the network when the cache is empty.
#
#	make_system NAME SUITE [GROUP...]   $system/NAME, with groups of tools/deps
#	inside NAME COMMAND...              as on a machine: it is the root file system
#	chrooted NAME COMMAND...            as chroot(8) does it: it is no mount point
set -eu

mirror=${EVNIC_DEBIAN_MIRROR:-http://deb.debian.org/debian}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/evnic/hosts
source=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)

die() {
	echo "FAILED: $*" >&2
	exit 1
}

. "$source/tests/support/skip.sh"

[ "$(id -u)" -eq 0 ] || skip "only root can make a Debian system"
unshare --mount --pid --fork true 2>/dev/null ||
	skip "no right to make a mount namespace"
command -v debootstrap >/dev/null ||
	skip "no debootstrap here: tools/deps peer"

system=$(mktemp -d "${TMPDIR:-/tmp}/evnic-hosts.XXXXXX")
trap 'rm -rf --one-file-system "$system"' EXIT
trap 'exit 1' INT TERM HUP
chmod 755 "$system"

# Run in the namespaces: $1 what to do, $2 the system, then the command. Its
# /dev holds what evnic uses and no more; any user may open it.
enter='
set -eu
way=$1 root=$2
shift 2
[ "$way" = chroot ] || mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm" "$root/dev/net"
chmod 1777 "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
for stream in 0:stdin 1:stdout 2:stderr; do
	ln -s "/proc/self/fd/${stream%:*}" "$root/dev/${stream#*:}"
done
for device in null zero full random urandom tty kvm net/tun vhost-net; do
	[ ! -c "/dev/$device" ] || cp -a "/dev/$device" "$root/dev/$device"
	[ ! -c "/dev/$device" ] || chmod 666 "$root/dev/$device"
done
export HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
export DEBIAN_FRONTEND=noninteractive
unset TMPDIR XDG_CACHE_HOME CI
if [ "$way" = chroot ]; then
	exec chroot "$root" "$@"
fi
cd "$root"
mkdir -p old
pivot_root . old
exec chroot . sh -euc "umount -l /old; rmdir /old; exec \"\$@\"" sh "$@"
'

inside() {
	local name=$1
	shift
	unshare --mount --pid --fork --kill-child \
		sh -c "$enter" sh pivot "$system/$name" "$@"
}

chrooted() {
	local name=$1
	shift
	unshare --mount --pid --fork --kill-child \
		sh -c "$enter" sh chroot "$system/$name" "$@"
}

# keep DIR ARCHIVE: packs a directory into the cache.
keep() {
	tar -C "$1" --one-file-system -I 'gzip -1' -cf "$2.part" . ||
		die "$2.part cannot be written; is there room?"
	mv "$2.part" "$2"
}

# The bare system, as an archive.
bare() {
	local dir=$system/bare archive=$cache/$1.tar.gz
	[ ! -e "$archive" ] || return 0
	debootstrap --variant=minbase "$1" "$dir" "$mirror" \
		>"$system/log" 2>&1 || {
		tail -n 20 "$system/log" >&2
		skip "no Debian $1 from $mirror (the reason is above)"
	}
	rm -f "$dir"/var/cache/apt/archives/*.deb
	keep "$dir" "$archive"
	rm -rf "$dir"
}

unpack() {
	mkdir "$system/$2"
	tar -C "$system/$2" -xzf "$1"
	# The names of this machine, for apt.
	cp -L /etc/resolv.conf /etc/hosts "$system/$2/etc/" 2>/dev/null || :
}

make_system() {
	local name=$1 suite=$2 archive
	shift 2
	mkdir -p "$cache"
	exec 9>"$cache/lock"
	flock 9
	bare "$suite"
	archive=$cache/$suite.tar.gz
	if [ $# -gt 0 ]; then
		archive=$(cat "$source/tools/deps" - <<<"$*" | sha256sum)
		archive=$cache/$suite-with-${archive:0:16}.tar.gz
	fi
	if [ ! -e "$archive" ]; then
		rm -f "$cache/$suite"-with-*
		unpack "$cache/$suite.tar.gz" "$name"
		cp "$source/tools/deps" "$system/$name/root/deps"
		inside "$name" /root/deps "$@" >"$system/log" 2>&1 9>&- || {
			tail -n 20 "$system/log" >&2
			die "Debian $suite: tools/deps $*"
		}
		inside "$name" apt-get clean 9>&-
		keep "$system/$name" "$archive"
	else
		unpack "$archive" "$name"
	fi
	exec 9>&-
}

# A copy of the sources, without what was built of them.
copy_source() {
	mkdir "$system/$1/src"
	tar -C "$source" --exclude='./build*' --exclude=./.git -cf - . |
		tar -C "$system/$1/src" --no-same-owner -xf -
}
