#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Runs in each guest, and on the host for comparison: plays a script of peers while two observers run.
#
#   session.sh KEEPWATCH PEERS SCRIPT FOLDER FRONT_END [VERIFIER]
#
# `trace` uses the front end that keepwatch chooses, `record` uses FRONT_END; VERIFIER prints the verifier's statistics. All
# output goes to FOLDER. The script may only use commands that busybox has.
set -u
keepwatch=$1 peers=$2 script=$3 folder=$4 front_end=$5 verifier=${6-}

fail() {
	echo "session: $*" >&2
	exit 1
}

# Waits until a command succeeds, for at most $1 seconds, while the processes in $going are there.
wait_until() {
	left=$(($1 * 10))
	shift
	until "$@"; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || fail "waited in vain: $*"
		for process in $going; do
			kill -0 "$process" 2>/dev/null || fail "process $process has ended: $*"
		done
		sleep 0.1
	done
}

observing() {
	grep -qs '^keepwatch: observing$' "$folder/trace.errors" &&
		grep -qs '^keepwatch: observing$' "$folder/record.errors"
}

# Whether a socket of the listener's port exists that is neither listening nor in TIME_WAIT.
all_closed() {
	! awk -v port=":$hex\$" '$4 != "0A" && $4 != "06" && ($2 ~ port || $3 ~ port) { found = 1 }
		END { exit !found }' /proc/net/tcp /proc/net/tcp6
}

"$peers" "$script" "$folder" >"$folder/names" 2>"$folder/peers.errors" &
player=$!
going=$player
wait_until 60 test -s "$folder/ports"
ports=$(cat "$folder/ports")
hex=$(printf %04X "${ports%,*}")

"$keepwatch" trace --json --exchanges --port "$ports" >"$folder/trace" 2>"$folder/trace.errors" &
tracer=$!
"$keepwatch" record --exchanges --front-end "$front_end" --port "$ports" "$folder/recording" \
	>"$folder/record.errors" 2>&1 &
recorder=$!
going="$player $tracer $recorder"
wait_until 600 observing
: >"$folder/observing"

wait "$player" || fail "the peers failed: $(cat "$folder/peers.errors")"
going="$tracer $recorder"
wait_until 60 all_closed
kill -TERM "$tracer" "$recorder"
wait "$tracer" || fail "trace ended with status $?"
wait "$recorder" || fail "record ended with status $?"

"$keepwatch" replay "$folder/recording" --json --exchanges >"$folder/replay" || fail "no replay"
"$keepwatch" replay "$folder/recording" --as report --json >"$folder/report" || fail "no report"
"$keepwatch" replay "$folder/recording" --as metrics >"$folder/metrics" || fail "no metrics"
rm "$folder/recording"
"$keepwatch" check >"$folder/check" 2>&1 || fail "check: $(cat "$folder/check")"
[ -z "$verifier" ] || "$verifier" >"$folder/verifier" 2>&1 || fail "$(cat "$folder/verifier")"
