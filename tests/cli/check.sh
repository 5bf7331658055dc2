# SPDX-License-Identifier: MIT
# evnic check: good files, wrong files, and files that are none.
. "${0%/*}/lib.sh"

: >kernel
: >initrd
cat >good.json <<'END'
{
  "boot-source": { "kernel_image_path": "kernel", "initrd_path": "initrd" },
  "network-interfaces": [ { "iface_id": "eth0", "host_dev_name": "tap0" } ]
}
END
expect 0 "$evnic" check good.json
says out "good.json: good"
lines err 0

# The examples need only their files, and each is told of.
for example in "$source"/examples/*.json; do
	sed 's#"[^"]*\(vmlinuz\|initrd.img\)"#"kernel"#' "$example" >example.json
	expect 0 "$evnic" check example.json
	says "$source/examples/README.md" "| [${example##*/}](${example##*/}) |"
done

# Everything in one pass.
cat >bad.json <<'END'
{
  "boot-source": { "kernel_image_path": "none", "initrd_path": "." },
  "machine-config": { "vcpus": 1, "mem_size_mib": 16777216 }
}
END
expect 2 "$evnic" check bad.json
lines out 0
lines err 4
says err 'bad.json:2:41: /boot-source/kernel_image_path: "none" cannot be read: No such file or directory (ENOENT)'
says err 'bad.json:2:64: /boot-source/initrd_path: "." is not a file'
says err 'bad.json:3:23: /machine-config/vcpus: unknown key'
says err 'bad.json:3:51: /machine-config/mem_size_mib: 16777216 is more than this host has'

# An initrd that cannot fit.
truncate -s 3M initrd
cat >large.json <<'END'
{ "boot-source": { "kernel_image_path": "kernel", "initrd_path": "initrd" },
  "machine-config": { "mem_size_mib": 2 } }
END
expect 2 "$evnic" check large.json
says err "which is more than the guest's memory"

# A pipe that nobody writes to does not stop it.
mkfifo pipe
echo '{ "boot-source": { "kernel_image_path": "pipe" } }' >pipe.json
limit=5 expect 2 "$evnic" check pipe.json
says err '"pipe" is not a file'

# One clear line each, soon.
one_line() {
	limit=5 expect 2 "$evnic" check "$1"
	lines err 1
	says err "$2"
}
one_line missing.json "missing.json: cannot be read: No such file or directory"
one_line . ".: cannot be read: Is a directory"
: >empty.json
one_line empty.json "empty.json:1:1: the text ends where a value should be"
printf '{\n  "boot-source": {' >cut.json
one_line cut.json "cut.json:2:19: the text ends before all brackets are closed"
head -c 10000 /dev/zero | tr '\0' '[' >deep.json
one_line deep.json "deep.json:1:1001: nested too deep"
head -c 10000 /dev/zero | sed 's/\x0/{"a":/g' >deeper.json
one_line deeper.json "nested too deep"
truncate -s 100M huge.json
one_line huge.json "huge.json: too large for a description: at most 1048576 bytes"
head -c 100 /dev/zero >zero.json
one_line zero.json "zero.json:1:1: a zero byte"
one_line /dev/zero "/dev/zero: too large"

# A description may come through a pipe.
expect 0 sh -c 'cat good.json | "$1" check /dev/stdin' sh "$evnic"
