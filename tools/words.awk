# SPDX-License-Identifier: BSD-2-Clause
# Finds sentences that are hard to read, in comments, string literals and documents: those with "What ..." or "Who ..." as
# their subject, unless they are questions or one of the fixed headings, and a few phrases. Prints the place of each, and
# fails if there are any.
#
#   awk -f tools/words.awk FILE...

# @next_line: the sentence may go on there, and end in a question mark.
function check(line, next_line,    rest) {
	if (tolower(line) ~ /(^|[^a-z_])(of which|to be had|there is not|likewise|by that[.,;:)])([^a-z_]|$)/)
		complain("a phrase to avoid")
	if (path ~ /\.(md|scd)$/ && line ~ /^#/)
		return
	gsub(/What (it means|causes it|to do|to change)/, "", line)
	if (match(line, /(^|[^A-Za-z_])(What|Who) [a-z]/)) {
		rest = substr(line, RSTART) " " next_line
		if (!match(rest, /[.?]/) || substr(rest, RSTART, 1) != "?")
			complain("a sentence with \"What\" or \"Who\" as its subject")
	}
}

function complain(why) {
	printf "%s:%d: %s\n", path, number, why
	bad = 1
}

FNR == 1 && path {
	check(last, "")
	last = ""
}
FNR > 1 {
	check(last, $0)
}
{
	path = FILENAME
	number = FNR
	last = $0
}
END {
	if (path)
		check(last, "")
	exit bad
}
