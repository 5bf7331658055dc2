# SPDX-License-Identifier: MIT
# cmake --install puts everything where packagers want it.
#   sh -eu install.sh CMAKE BUILD_DIR
dest=$(mktemp -d)
trap 'rm -rf "$dest"' EXIT

DESTDIR=$dest "$1" --install "$2" --prefix /usr >"$dest/log"
for file in bin/evnic share/evnic/machine.schema.json \
	share/doc/evnic/description.md share/doc/evnic/LICENSE \
	share/man/man8/evnic.8 share/man/man5/evnic.json.5 \
	share/bash-completion/completions/evnic \
	lib/systemd/system/evnic@.service; do
	[ -s "$dest/usr/$file" ] || {
		echo "FAILED: /usr/$file was not installed" >&2
		exit 1
	}
done
"$dest/usr/bin/evnic" --version
# Nothing beside the prefix.
[ "$(find "$dest" -type f ! -path "$dest/usr/*" ! -path "$dest/log" | wc -l)" = 0 ]
