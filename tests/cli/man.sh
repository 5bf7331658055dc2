# SPDX-License-Identifier: MIT
# The manual pages are sound mdoc(7), and have what --help has; what operations.md
# quotes is what evnic says.
. "${0%/*}/lib.sh"

command -v mandoc >/dev/null || skip "no mandoc (tools/deps test)"
for page in evnic.8 evnic.json.5; do
	expect 0 mandoc -T lint -W warning "$source/docs/$page"
	lines out 0
	mandoc -T ascii -O width=1000 "$source/docs/$page" |
		sed 's/.\x08//g' >"$page"
done

# Option by option, and command by command.
for verb in run check host ctl; do
	expect 0 "$evnic" $verb --help
	mv out help
	says evnic.8 "evnic $verb"
	grep -o -e '--[a-z-]*' help | sort -u | while read -r option; do
		says evnic.8 "$option"
	done
done
tr -d ' ' <evnic.8 >squeezed
sed -n 's/^  \([a-z].*\)/\1/p' help | tr -d ' ' | grep -v '^evnic' |
	while read -r command; do
		says squeezed "$command"
	done

# What docs/operations.md quotes is still said: the end of each line, which is
# the cure.
sed -n 's/^evnic: [a-z]*: //p' "$source/docs/operations.md" |
	sed 's/.*[:;] //; s/ [A-Z0-9]*$//' | grep -v '(E[A-Z]*)$' >quoted
[ "$(wc -l <quoted)" -ge 8 ] || die "few lines are quoted"
while read -r cure; do
	grep -aqF -e "$cure" "$evnic" || die "evnic never says: $cure"
done <quoted
