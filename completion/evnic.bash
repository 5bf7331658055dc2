# SPDX-License-Identifier: MIT
# bash completion for evnic. zsh takes it too, after compinit and
# "autoload -U bashcompinit && bashcompinit".
#
# Verbs, options and commands are what --help tells; names of NICs and backends
# come from the machine, if the control socket on the line answers.

# What the words of a synopsis are called: "NIC [KEY=VALUE]..." is NIC, KEY=VALUE.
_evnic_kinds()
{
	sed 's/\[OPTIONS\]//; s/\[--.*//' | tr -d '[].'
}

# The options in a help, with what their values are called: --control=PATH.
_evnic_options()
{
	sed -n 's/^  \(--[a-z-]*\) \([A-Z]*\) .*/\1=\2/p
		s/^  \(--[a-z-]*\)  .*/\1/p'
	echo --help
}

# Names in what the machine answers to a command of evnic ctl.
_evnic_ask() # EVNIC SOCKET MEMBER COMMAND...
{
	local evnic=$1 socket=$2 member=$3

	shift 3
	[[ -S $socket ]] || return
	timeout 2 "$evnic" ctl --json "$socket" "$@" 2>/dev/null |
		sed -n "s/^\t\t\"$member\":\t\"\([A-Za-z0-9_.-]*\)\",*$/\1/p"
}

# What a word of a kind can be.
_evnic_values() # EVNIC KIND SOCKET COMMAND
{
	case $2 in
	NIC) _evnic_ask "$1" "$3" id nics ;;
	BACKEND) _evnic_ask "$1" "$3" id inspect /netdevs ;;
	NAME) _evnic_ask "$1" "$3" name qmp query-commands ;;
	TYPE) echo tap consomme null loopback ;;
	LEVEL) echo Off Error Warn Info Debug ;;
	KEY=*)
		case $4 in
		netdev-add) echo ifname= fd= create= queues= network= \
			gateway= dns= guest= network6= gateway6= dns6= ipv4= \
			ipv6= mtu= hostname= domain= search= dns_servers= \
			records= hostfwd= host_loopback= allow= deny= \
			restrict= max_tcp= max_udp= copy_ring= ;;
		device-add) echo driver= mac= host_mtu= queue_size= \
			queue_pairs= busy_poll_us= rx_rate_limiter= \
			tx_rate_limiter= ;;
		limits) echo rx_bandwidth= rx_ops= tx_bandwidth= tx_ops= ;;
		esac ;;
	*'|'*) tr '|' ' ' <<<"$2" ;;
	esac
}

_evnic()
{
	local IFS=$' \t\n' cur=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]}
	local help commands options kinds words=() i word
	local command="" value="" offers=""

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		offers=$("$1" --help |
			sed -n 's/^  evnic \([a-z-]*\) .*/\1/p')
		COMPREPLY=($(compgen -W "$offers --help" -- "$cur"))
		return
	fi
	help=$("$1" "$verb" --help 2>/dev/null) || return
	options=$(_evnic_options <<<"$help")
	kinds=($(sed -n "s/^usage: evnic $verb//p" <<<"$help" | _evnic_kinds))
	if [[ $verb == ctl ]]; then
		commands=$(sed -n 's/^  \([a-z].*\)/\1/p' <<<"$help" |
			grep -v '^evnic ')
		kinds=(SOCKET COMMAND)
	fi

	# The words before this one; $value is what one that is due is called.
	# bash takes KEY=VALUE for three words.
	for ((i = 2; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ $word == = ]]; then
			value=${value:-VALUE}
		elif [[ $value ]]; then
			value=""
		elif [[ $word == -* ]]; then
			value=$(sed -n "s/^$word=//p" <<<"$options")
		else
			words+=("$word")
		fi
		[[ $verb == ctl && ! $command && ${#words[@]} -eq 2 ]] || continue
		command=$word
		# "capture start" is one command.
		if ((i + 1 < COMP_CWORD)) &&
			grep -q "^$word ${COMP_WORDS[i + 1]}\( \|$\)" <<<"$commands"; then
			command+=" ${COMP_WORDS[++i]}"
		fi
		# shellcheck disable=SC2086 # one word or two
		help=$("$1" ctl "${words[0]}" $command --help)
		options=$(_evnic_options <<<"$help")$'\n--json'
		kinds=(SOCKET COMMAND $(sed -n \
			"s/^usage: evnic ctl SOCKET $command//p" <<<"$help" |
			_evnic_kinds))
	done
	if [[ $cur == = ]]; then
		value=${value:-VALUE}
		cur=""
	fi

	if [[ ! $value && $cur == -* ]]; then
		offers=$(sed 's/=.*//' <<<"$options")
		COMPREPLY=($(compgen -W "$offers" -- "$cur"))
		return
	fi
	i=${#words[@]}
	[[ $value ]] || value=${kinds[i]:-}
	# KEY=VALUE may come again.
	[[ $value || ${kinds[*]: -1} != KEY=* ]] || value=${kinds[*]: -1}
	case $value in
	FILE | SOCKET | PATH)
		compopt -o filenames 2>/dev/null
		COMPREPLY=($(compgen -f -- "$cur"))
		return ;;
	COMMAND) offers=$(sed 's/ .*//' <<<"$commands") ;;
	KEY=*) compopt -o nospace 2>/dev/null ;;
	esac
	offers+=" $(_evnic_values "$1" "$value" "${words[0]:-}" "$command")"
	# The second word of a command.
	[[ ! $command || $i != 2 ]] || offers+=" $(sed -n \
		"s/^$command \([a-z]\+\).*/\1/p" <<<"$commands")"
	COMPREPLY=($(compgen -W "$offers" -- "$cur"))
}

complete -F _evnic evnic
