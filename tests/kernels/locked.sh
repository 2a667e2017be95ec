#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Runs in each guest after all else: the kernel is locked down for confidentiality, and `check` says so in one line, whether the
# file that shows it is there or not, as in a container.
#
#   locked.sh KEEPWATCH FOLDER
set -u
keepwatch=$1 folder=$2
state=/sys/kernel/security/lockdown

fail() {
	echo "locked: $*: $(cat "$folder/locked" 2>/dev/null)" >&2
	exit 1
}

named() {
	"$keepwatch" check >"$folder/locked" 2>&1
	[ $? = 3 ] || fail "check did not end with status 3"
	grep -q "^missing  read the kernel's memory: .*lockdown=integrity" "$folder/locked" || fail "the lockdown is not named"
	[ "$(grep -c ^missing "$folder/locked")" = 1 ] || fail "more is missing"
}

mount -t securityfs security /sys/kernel/security 2>/dev/null
if [ ! -e "$state" ]; then
	echo "this kernel cannot be locked down"
	exit 0
fi
echo confidentiality >"$state"
grep -q '\[confidentiality\]' "$state" || fail "it was not locked down"
named
umount /sys/kernel/security
[ ! -e "$state" ] || fail "the file is still there"
named
