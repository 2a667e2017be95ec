# SPDX-License-Identifier: BSD-2-Clause
# Checks who includes whom in user/: data flows one way, so each room may include only the rooms that `may` names for it
# (and include/, and itself), and no two files include each other, not even through others. A file is a .c and its .h
# together. Prints each forbidden line and each circle, and fails if it printed any.
#
#   awk -f tools/includes.awk $(find user -name '*.[ch]')

BEGIN {
	may["base"] = ""
	may["observe"] = "base"
	may["event"] = "base"
	may["judge"] = "base event"
	may["join"] = "base event judge"
	may["recording"] = "base event judge"
	may["aggregate"] = "base event judge join"
	may["finding"] = "base event judge join aggregate"
	may["output"] = "base event judge join aggregate finding"
	may["web"] = "base"
	may["command"] = "base observe event judge join recording aggregate finding output web"
	may["main"] = "base command"
}

function file_of(path) { sub(/^user\//, "", path); sub(/\.[ch]$/, "", path); return path }
function room_of(file) { sub(/\/.*/, "", file); return file }
function complain(text) { print text; bad = 1 }

/^#include "/ {
	from = file_of(FILENAME)
	to = file_of($0)
	sub(/^#include "/, "", to)
	sub(/\.h".*/, "", to)
	if (to !~ /\// || to ~ /^include\// || to == from)
		next
	if (!(room_of(from) in may))
		complain(FILENAME ":" FNR ": tools/includes.awk does not know the room " room_of(from))
	else if (room_of(to) != room_of(from) && index(" " may[room_of(from)] " ", " " room_of(to) " ") == 0)
		complain(FILENAME ":" FNR ": " room_of(from) "/ may not include " room_of(to) "/")
	includes[from] = includes[from] " " to
}

# Walks the files that @file includes; a file that is met while it is being walked closes a circle.
function walk(file, path,    list, count, i) {
	state[file] = "walking"
	count = split(includes[file], list, " ")
	for (i = 1; i <= count; i++)
		if (state[list[i]] == "walking")
			complain("a circle of includes: " path " " list[i])
		else if (state[list[i]] == "")
			walk(list[i], path " " list[i])
	state[file] = "done"
}

END {
	for (file in includes)
		if (state[file] == "")
			walk(file, file)
	exit bad
}
