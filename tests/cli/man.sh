# SPDX-License-Identifier: MIT
# The manual pages are sound mdoc(7), and have what --help has.
. "${0%/*}/lib.sh"

command -v mandoc >/dev/null || {
	echo "no mandoc here: tools/deps test"
	exit 77
}
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
