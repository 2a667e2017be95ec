# SPDX-License-Identifier: BSD-2-Clause
# bash completion for keepwatch. It asks the program itself for commands, options and values, so that nothing here can
# fall behind the program's table of options.

_keepwatch_commands() {
	"$1" --help 2>/dev/null | sed -n 's/^  keepwatch \([a-z]\{1,\}\).*/\1/p'
}

# The options of command $2; of a replay, all that it could replay with.
_keepwatch_options() {
	"$1" help "$2" 2>/dev/null | sed -n 's/^  \(-., \)\{0,1\}\(--[a-z-]\{1,\}\).*/\2/p' | sort -u
}

# The values of option $2: the help has them as "--role client|server". Empty if the option takes no value; "-" if its
# values are no list.
_keepwatch_values() {
	"$1" --help 2>/dev/null | awk -v option="$2" '
		$1 == option && /^  --[a-z-]+ [^ ]/ { print $2 ~ /^[a-z]+(\|[a-z]+)+$/ ? $2 : "-"; exit }' | tr '|' '\n'
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
	local program=$1 word=$2 previous=$3 command='' values='' commands option

	# Where "=" breaks words, a value stands two words behind its option.
	[[ $word == = ]] && word=
	[[ $previous == = ]] && previous=${COMP_WORDS[COMP_CWORD - 2]}
	[[ $word == -* && $previous != -* ]] && previous= # an option follows any command
	commands=$(_keepwatch_commands "$program")
	for option in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		if [[ -z $command && " ${commands//$'\n'/ } " == *" $option "* ]]; then
			command=$option
		fi
	done

	case $previous in
	--reason) _keepwatch_list "$word" "$(_keepwatch_reasons "$program")" ;;
	--comm) mapfile -t COMPREPLY < <(compgen -W "$(cat /proc/[0-9]*/comm 2>/dev/null)" -- "$word") ;;
	--pid) mapfile -t COMPREPLY < <(compgen -W "$(cd /proc && echo [0-9]*)" -- "$word") ;;
	--config | --web-config | --replay) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
	record | replay) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
	explain) mapfile -t COMPREPLY < <(compgen -W "$(_keepwatch_names "$program")" -- "$word") ;;
	help) mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$word") ;;
	*)
		[[ $previous == --* ]] && values=$(_keepwatch_values "$program" "$previous")
		if [[ $values == - ]]; then
			COMPREPLY=()
		elif [[ -n $values ]]; then
			mapfile -t COMPREPLY < <(compgen -W "$values" -- "$word")
		elif [[ $word == -* ]]; then
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
