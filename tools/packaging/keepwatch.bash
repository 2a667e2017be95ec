# SPDX-License-Identifier: BSD-2-Clause
# bash completion for keepwatch. What there is to complete is asked of the program itself, so that nothing here can fall
# behind it; only what its help tells in prose stands here.

# Its help has the commands first, then the options under titles such as "trace and report:", then a note.
_keepwatch_commands() {
	"$1" --help 2>/dev/null | sed -n 's/^  keepwatch \[\{0,1\}\([a-z]\{1,\}\).*/\1/p'
}

# The options of command $2; of a replay, all that it could replay with.
_keepwatch_options() {
	"$1" --help 2>/dev/null | awk -v command="$2" '
		/^[A-Za-z, ]*:$/ {
			title = " " $0
			gsub(/[,:]/, " ", title)
			wanted = title ~ /Every command/ || index(title " ", " " command " ")
			if (command == "replay")
				wanted = wanted || title ~ / (trace|report) /
		}
		/^[^ ]/ && !/:$/ { wanted = 0 }
		wanted && match($0, /--[a-z-]+/) { print substr($0, RSTART, RLENGTH) }'
}

_keepwatch_names() {
	"$1" explain 2>/dev/null | sed -n 's/^  \([A-Za-z0-9_]\{1,\}\) .*/\1/p'
}

_keepwatch_reasons() {
	"$1" explain 2>/dev/null | sed -n '/^Findings/q; s/^  \([a-z0-9_]\{1,\}\) .*/\1/p'
}

# Members of a comma list: those before the last comma stay as they are.
_keepwatch_list() {
	local before=

	[[ $1 == *,* ]] && before=${1%,*},
	mapfile -t COMPREPLY < <(compgen -P "$before" -W "$2" -- "${1##*,}")
}

_keepwatch() {
	local program=$1 word=$2 previous=$3 command='' commands option

	# Where "=" breaks words, a value stands two words behind its option.
	[[ $word == = ]] && word=
	[[ $previous == = ]] && previous=${COMP_WORDS[COMP_CWORD - 2]}
	[[ $word == -* && $previous == re* ]] && previous= # no file's name begins so
	commands=$(_keepwatch_commands "$program")
	for option in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		if [[ -z $command && " ${commands//$'\n'/ } " == *" $option "* ]]; then
			command=$option
		fi
	done

	case $previous in
	--front-end) mapfile -t COMPREPLY < <(compgen -W "tracepoint trampoline" -- "$word") ;;
	--role) mapfile -t COMPREPLY < <(compgen -W "client server" -- "$word") ;;
	--service-by) mapfile -t COMPREPLY < <(compgen -W "comm cgroup container port" -- "$word") ;;
	--as) mapfile -t COMPREPLY < <(compgen -W "trace report metrics" -- "$word") ;;
	--fail-on) mapfile -t COMPREPLY < <(compgen -W "info warning critical" -- "$word") ;;
	--reason) _keepwatch_list "$word" "$(_keepwatch_reasons "$program")" ;;
	--comm) mapfile -t COMPREPLY < <(compgen -W "$(cat /proc/[0-9]*/comm 2>/dev/null)" -- "$word") ;;
	--pid) mapfile -t COMPREPLY < <(compgen -W "$(cd /proc && echo [0-9]*)" -- "$word") ;;
	--config | --web-config) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
	record | replay) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
	explain) mapfile -t COMPREPLY < <(compgen -W "$(_keepwatch_names "$program")" -- "$word") ;;
	--port | --net | --ring-size | --networks | --services | --listen | --window | --count | --for | --every)
		COMPREPLY=() ;;
	*)
		if [[ $word == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W \
				"$(_keepwatch_options "$program" "${command:-run}")" -- "$word")
		elif [[ -z $command ]]; then
			mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$word")
		else
			COMPREPLY=()
		fi ;;
	esac
}

complete -F _keepwatch keepwatch
