#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Runs in each guest after session.sh: with the AppArmor profile of the package, and without root as the unit has it, the
# daemon starts, observes, is scraped, reads its configuration again and ends; and it cannot read anything else. Where plaintext.sh
# could read HTTP inside TLS, it can too.
#
#   confined.sh FOLDER
set -u
folder=$1 port=8443
kept=+bpf,+perfmon,+sys_admin,+sys_ptrace,+dac_read_search

fail() {
	echo "confined: $*; daemon: $(cat "$folder/daemon" 2>/dev/null); kernel: $(denied)" >&2
	exit 1
}

denied() {
	dmesg | grep 'apparmor="DENIED"'
}

wait_until() {
	left=600
	until "$@"; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || fail "waited in vain: $*"
		sleep 0.1
	done
}

confined() {
	exec /usr/bin/setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps "-all,$kept" --ambient-caps "-all,$kept" \
		--bounding-set "-all,$kept" aa-exec -p keepwatch -- /usr/bin/keepwatch "$@"
}

scrape() {
	wget -q -O "$folder/scrape" http://127.0.0.1:9951/metrics
}

observed() {
	scrape && grep -q '^keepwatch_requests_total{role="server".*version="1.1"} 3$' "$folder/scrape"
}

said() {
	grep -q "$1" "$folder/daemon"
}

mount -t securityfs security /sys/kernel/security 2>/dev/null
if [ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" != Y ]; then
	echo "this kernel has no AppArmor"
	exit 0
fi
mount -t cgroup2 control /sys/fs/cgroup
apparmor_parser --replace --skip-cache --quiet /etc/apparmor.d/keepwatch || fail "the profile does not load"

mkdir /tmp/served
echo secret=1 >/tmp/served/index.html
(confined run --config /tmp/served/index.html) 2>"$folder/refused" && fail "it read a file that is none of its own"
grep -q "Permission denied" "$folder/refused" || fail "it failed otherwise: $(cat "$folder/refused")"

httpd -p 127.0.0.1:8080 -h /tmp/served
unshare -n sleep 1000 &
asleep=$!
(confined run --config /etc/keepwatch/keepwatch.conf --service-by cgroup) 2>"$folder/daemon" &
daemon=$!
wait_until said "metrics at"
grep -q '^keepwatch (enforce)' "/proc/$daemon/attr/current" || fail "it runs without its profile"
for _ in 1 2 3; do
	wget -q -O /dev/null http://127.0.0.1:8080/index.html || fail "no page"
done
wait_until observed
kill -HUP "$daemon"
wait_until said "again"
kill -TERM "$daemon"
wait "$daemon" || fail "it ended with status $?"
kill "$asleep"

# The library lies in a file system that only the server's mount namespace has, as a container's does.
tls_server() {
	exec unshare -m sh -c 'mount -t tmpfs own /mnt && cp /usr/lib/*-linux-gnu/libssl.so.3 /mnt && LD_LIBRARY_PATH=/mnt exec "$@"' server \
		openssl s_server -accept "127.0.0.1:$port" -cert /certificate.pem -www >/tmp/server 2>&1
}

visit() {
	printf 'GET / HTTP/1.0\r\n\r\n' | openssl s_client -quiet -connect "127.0.0.1:$port" 2>/dev/null | grep -q "^HTTP/1.0 200"
}

# The first visit may come before the probes.
read_plaintext() {
	visit && scrape && grep -q '^keepwatch_requests_total{role="server".*version="1.0"} [1-9]' "$folder/scrape"
}

if [ ! -e "$folder/plaintext.check" ]; then
	mkdir -p /mnt
	echo "tls = true" >/etc/keepwatch/tls.conf
	(confined run --config /etc/keepwatch/tls.conf --port "$port") 2>"$folder/daemon" &
	daemon=$!
	wait_until said "metrics at"
	(tls_server) &
	server=$!
	wait_until grep -q ACCEPT /tmp/server
	wait_until read_plaintext
	echo "tls = false" >/etc/keepwatch/tls.conf
	kill -HUP "$daemon"
	wait_until said "only with a restart: tls"
	kill -TERM "$daemon"
	wait "$daemon" || fail "with plaintext it ended with status $?"
	kill "$server"
fi
[ "$(denied | grep -vc served/index.html)" = 0 ] || fail "it asked for more than it may do"
