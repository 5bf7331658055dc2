# SPDX-License-Identifier: MIT
# The shell's completion offers what --help has, and what the machine has.
. "${0%/*}/lib.sh"
toy=$3

"$toy" sock >calls 2>toy-err &
tries=0
until "$evnic" ctl sock status >/dev/null 2>&1; do
	tries=$((tries + 1))
	[ $tries -lt 1200 ] || die "the toy does not answer"
	sleep 0.05
done

# What bash does at a press of the tab key; prints a line for each completion.
cat >tab <<'END_TAB'
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_evnic "$1"
((${#COMPREPLY[@]})) || exit 0
printf '%s\n' "${COMPREPLY[@]}"
END_TAB

# offers WORD... [ = COMPLETION...]: the last WORD is the one to complete.
tab() {
	expect 0 bash -u tab "$source/completion/evnic.bash" "$evnic" "$@"
	lines err 0
	sort -u out >offered
}

# offers COMPLETION...: these and no others.
offers() {
	printf '%s\n' "$@" | sed '/^$/d' | sort -u >wanted
	cmp wanted offered || die "offered: $(cat offered)"
}

# The options of a help.
options() {
	"$evnic" "$@" --help | grep -o '^ *--[a-z-]*' | tr -d ' '
}

# The program itself.
tab ''
offers --help --version $("$evnic" --help |
	sed -n 's/^  evnic \([a-z]*\)  *[A-Za-z].*/\1/p')
tab ru
offers run
for verb in run check host; do
	tab $verb -
	offers --help $(options $verb)
done
: >vm.json
tab run vm
offers vm.json
tab run --control so
offers sock
tab run --control = so
offers sock
tab run --control sock --pidfile pid vm
offers vm.json
tab run vm.json vm
offers ""
tab run vm.json --level W
offers Warn
tab run vm.json --log-path = vm
offers vm.json
tab frobnicate ''
offers ""

# evnic ctl: the commands, and the second words of those that have two.
"$evnic" ctl --help | sed -n 's/^  \([a-z].*\)/\1/p' | grep -v '^evnic' >commands
[ "$(wc -l <commands)" -gt 20 ] || die "no commands"
tab ctl -
offers --help --json
tab ctl so
offers sock
tab ctl sock ''
offers $(sed 's/ .*//' commands)
tab ctl --json sock capture ''
offers start stop
while read -r command; do
	name=$(echo "$command" | sed 's/ [^a-z].*//; s/ [a-z]*|.*//')
	tab ctl sock $name -
	offers --help --json $(options ctl sock $name)
done <commands
tab ctl sock capture start --snaplen ''
offers ""

# Of the machine: its NICs; a name that the shell might take for something else
# is not offered.
for command in stats set-link netdev-replace "capture start" limits flows \
	hostfwd-add hostfwd-remove; do
	tab ctl sock $command ''
	offers eth0
done
tab ctl sock capture start --stdout --queues 0 e
offers eth0
tab ctl sock capture start eth0 v
offers vm.json
tab ctl sock set-link eth0 ''
offers up down
tab ctl sock qmp system_
offers system_powerdown system_reset
tab ctl none stats ''
offers ""

# What a backend and a NIC are made of, as the control socket has it.
arguments() { # COMMAND
	sed -n "s/^| .$1. | \(.*\)|.*/\1/p" "$source/docs/control.md" |
		sed 's/<br>/\n/g' | sed 's/^`\([a-z0-9_]*\)`.*/\1=/'
}
tab ctl sock netdev-add b1 ''
offers $(sed -n 's/.*`type` (string): \([a-z, ]*\)<br>.*/\1/p' \
	"$source/docs/control.md" | tr -d ,)
tab ctl sock netdev-add b1 tap ''
offers $(arguments netdev_add | grep -v '^id=\|^type=\|^host_dev_name=')
tab ctl sock device-add eth1 b1 ''
offers $(arguments device_add | grep -v '^id=\|^netdev=')
tab ctl sock limits eth0 rx_ops = 1/1 tx
offers tx_bandwidth= tx_ops=
tab ctl sock limits eth0 rx_ops = 1
offers ""
"$evnic" ctl sock quit
