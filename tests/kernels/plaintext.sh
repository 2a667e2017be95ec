#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Runs in each guest after session.sh: HTTP inside TLS between two programs of OpenSSL is read (--tls), over both versions, while
# the two are stopped anywhere by each other. A kernel that cannot do it says so.
#
#   plaintext.sh KEEPWATCH FOLDER
#
# /certificate.pem has the server's certificate and its key. The guest may have a library at two places; keepwatch looks at one.
set -u
keepwatch=$1 folder=$2 port=8443
LD_LIBRARY_PATH=$(echo /usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH

fail() {
	echo "plaintext: $*; observer: $(cat "$folder/plaintext.errors"); records: $(cat "$folder/plaintext")" >&2
	exit 1
}

wait_until() {
	left=1200
	until "$@"; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || fail "waited in vain: $*"
		sleep 0.1
	done
}

has() {
	grep -qs "$1" "$2"
}

observes() {
	has '^keepwatch: observing$' "$folder/plaintext.errors" || ! kill -0 "$observer" 2>/dev/null
}

# Lets one program say something, until the other one has it.
say() {
	printf "%b" "$2" >"/tmp/to_$1"
	wait_until has "$4" "/tmp/$3"
}

# One connection: two requests, the second one for what is not there; then the client ends it.
converse() {
	mkfifo /tmp/to_server /tmp/to_client
	openssl s_server -accept "127.0.0.1:$port" "-$1" -naccept 1 -cert /certificate.pem <>/tmp/to_server >/tmp/server 2>&1 &
	server=$!
	wait_until has ACCEPT /tmp/server
	openssl s_client -connect "127.0.0.1:$port" "-$1" <>/tmp/to_client >/tmp/client 2>&1 &
	client=$!
	wait_until has "Verify return code" /tmp/client
	for number in 1 2; do
		say client "GET /$number HTTP/1.1\r\nHost: a\r\n\r\n" server "^GET /$number"
		[ $number = 1 ] && status="200 OK" || status="404 Not Found"
		say server "HTTP/1.1 $status\r\nContent-Length: 7\r\n\r\nnumber$number" client "^number$number"
	done
	printf 'Q\n' >/tmp/to_client
	wait "$client"
	wait "$server"
	rm /tmp/to_server /tmp/to_client /tmp/server /tmp/client # the next conversation waits for its own
}

told() {
	[ "$(wc -l <"$folder/plaintext")" -ge "$1" ]
}

begin() {
	"$keepwatch" trace --json --tls --port "$port" >"$folder/plaintext" 2>"$folder/plaintext.errors" &
	observer=$!
	wait_until observes
}

# How many records of this side are as they should be.
right() {
	grep "\"role\":\"$1\"" "$folder/plaintext" | grep '"protocol":"http/1.1"' | grep '"requests":2,"responses":2,' |
		grep '"reason":"client_closed_idle"' | grep '"last_status":404' | grep '"confidence":"certain"' |
		grep -c '"plaintext":"openssl"'
}

# Both conversations, observed to their end.
play() {
	converse tls1_2
	converse tls1_3
	wait_until told 4
	kill -TERM "$observer"
	wait "$observer" || fail "it ended with status $?"
}

begin
if ! kill -0 "$observer" 2>/dev/null; then
	wait "$observer"
	[ $? = 3 ] || fail "it did not end with status 3"
	has 'Linux 6.6 or newer can$' "$folder/plaintext.errors" || fail "it does not say what is missing"
	"$keepwatch" check --tls >"$folder/plaintext.check"
	[ $? = 3 ] || fail "check did not end with status 3"
	has '^missing .*--tls needs Linux 6.6' "$folder/plaintext.check" || fail "check does not name it"
	echo "this kernel cannot read plaintext"
	exit 0
fi
play
# A guest that others keep from its processor may not show each event. keepwatch counts those, and then it is played again.
for again in 1 2 3; do
	[ "$(right client) $(right server)" = "2 2" ] && break
	has '"lost_events":[1-9]' "$folder/plaintext" || break
	echo "plaintext: played again ($again), because the kernel did not show each event"
	begin
	play
done
for role in client server; do
	count=$(right "$role")
	[ "$count" = 2 ] || fail "$count records of a $role are as they should be, and not 2"
done
