# SPDX-License-Identifier: MIT
# docs/contract.md against the sources: every name of the contract has a row;
# every row's C names and its case exist, and the case is run.
#
#   sh -eu contract_table.sh SOURCE_DIR
set -eu
source=$1

names='
endpoint_type get_queues stop is_ordered tx_offload_support multiqueue_support
tx_fast_completions set_data_path_to_guest_vf get_data_path_to_guest_vf
wait_for_endpoint_action link_speed
update_target_vp poll_ready rx_avail rx_poll tx_avail tx_poll
guest_memory write_data write_header write_packet guest_addresses capacity
QueueConfig
RssConfig RssConfig.key RssConfig.indirection_table RssConfig.flags
MultiQueueSupport MultiQueueSupport.max_queues
MultiQueueSupport.indirection_table_size
TxOffloadSupport TxOffloadSupport.ipv4_header TxOffloadSupport.tcp
TxOffloadSupport.udp TxOffloadSupport.tso TxOffloadSupport.uso
RxId TxId RxBufferSegment RxMetadata
RxChecksumState RxChecksumState.Unknown RxChecksumState.Good
RxChecksumState.Bad RxChecksumState.ValidatedButWrong is_valid
L3Protocol L4Protocol TxMetadata TxFlags TxSegment
TxSegmentType TxSegmentType.Head TxSegmentType.Tail
TxError TxError.TryRestart TxError.Fatal
EndpointAction EndpointAction.RestartRequired EndpointAction.LinkStatusNotify
BackendQueueStats packet_count next_packet linearize
loopback null resolver test_support
DisconnectableEndpoint DisconnectableEndpointControl.connect
DisconnectableEndpointControl.disconnect
PacketCaptureEndpoint PacketCaptureEndpointControl InspectMut
'

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# All words of the headers and of the modules that the table names; all cases
# that exist, and all that a suite runs.
cat "$source"/src/net/*.h "$source"/src/backends/*.h \
	"$source"/src/backends/consomme/consomme.h \
	"$source"/src/machine/kinds.h "$source"/tests/support/*.h |
	grep -oE '[A-Za-z_][A-Za-z0-9_]*' | sort -u >"$work/words"
cat "$source"/tests/conformance/*.c "$source"/tests/unit/*.c >"$work/tests"
sed -n 's/^START_TEST(\([a-z0-9_]*\))$/\1/p' "$work/tests" | sort -u \
	>"$work/defined"
tr '\n\t' '  ' <"$work/tests" |
	grep -oE 'tcase_add_(loop_)?test\([a-z]+, *[a-z0-9_]+' |
	sed 's/.*[, ]//' | sort -u >"$work/run"

# check TABLE: complains on standard output.
check() {
	names=$names awk -F '|' '
	FILENAME ~ /words$/ { words[$0]; next }
	FILENAME ~ /defined$/ { defined[$0]; next }
	FILENAME ~ /run$/ { run[$0]; next }
	!/^\| / || /^\| (name|rule) / { next }
	{
		name = $2
		gsub(/^ +| +$/, "", name)
		rows[name]
		if (NF != 5)
			print name ": not three columns"
		if ($3 !~ /[A-Za-z]/)
			print name ": no C name"
		n = split($3, parts, "`")
		for (i = 2; i <= n; i += 2) { # what stands between quotes
			m = split(parts[i], in_c, /[^A-Za-z0-9_]+/)
			for (j = 1; j <= m; j++)
				if (in_c[j] !~ /^(struct|enum|)$/ &&
				    !(in_c[j] in words))
					print name ": no " in_c[j] " in the sources"
		}
		gsub(/[ `]/, "", $4)
		if (!($4 in defined))
			print name ": there is no case \"" $4 "\""
		else if (!($4 in run))
			print name ": no suite runs " $4
	}
	END {
		n = split(ENVIRON["names"], wanted, /[ \n]+/)
		for (i = 1; i <= n; i++) {
			if (wanted[i] == "")
				continue
			sub(/test_support/, "test support", wanted[i])
			if (!("`" wanted[i] "`" in rows))
				print wanted[i] ": no row"
		}
	}' "$work/words" "$work/defined" "$work/run" "$1"
}

check "$source/docs/contract.md" >"$work/wrong"
cat "$work/wrong"
[ ! -s "$work/wrong" ] || exit 1

# The check itself: it has to find what is wrong with these.
spoil() { # WHAT SED-EXPRESSION
	sed "$2" "$source/docs/contract.md" >"$work/spoiled"
	[ -n "$(check "$work/spoiled")" ] || {
		echo "a table with $1 passes"
		exit 1
	}
}
spoil "a missing row" '/^| `tx_poll` |/d'
spoil "a case that does not exist" 's/`completed_exactly_once`/`completed`/'
spoil "a C name that does not exist" 's/`net_queue_tx_poll`/`net_tx_poll`/'
spoil "a row without a case" 's/| `action_is_told_once` |/| |/'
spoil "a row without a C name" 's/| `net_packet_count` |/| |/'
