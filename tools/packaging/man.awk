# SPDX-License-Identifier: BSD-2-Clause
# scdoc begins and ends every block with a paragraph macro. Removes the useless ones, and moves one in front of the end
# of an indented block behind it: the page looks the same, and mandoc does not complain.
function flush()
{
	if (pending && !after_title)
		print ".P"
	pending = 0
}

$0 == ".P" { pending = 1; next }
$0 == ".RE" { print; next }
/^\.(SH|SS|TH) / { pending = 0; print; after_title = 1; next }
{ flush(); print; after_title = 0 }
