#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Installs the missing packages for building (build), building for another processor (cross), testing (test), measuring
# (bench), virtual machines (vm), those of another processor (emulator), what runs in them (guest), and checking the sources
# (lint). Run as root.
#
#   tools/setup.sh PART...              build, cross, test, bench, vm, emulator, guest, lint
#   tools/setup.sh --list PART...       prints the packages, and installs none
#
# A second run takes no time, because the script first looks up in the package manager's own list which packages are
# installed.
# shellcheck disable=SC2034 # eval uses the lists, by their names
set -eu

apt_build="clang llvm gcc libc6-dev make pkg-config libbpf-dev bpftool libelf-dev zlib1g-dev libmicrohttpd-dev
	libgnutls28-dev libjansson-dev libyaml-dev libzstd-dev libcrypt-dev uthash-dev libcap-ng-dev libseccomp-dev libncurses-dev libcapstone-dev scdoc"
apt_test="libcmocka-dev python3 python3-pytest python3-pytest-xdist python3-ptrace nginx-light curl openssl util-linux iproute2
	apache2-utils wrk nodejs libclang-rt-dev procps libhttp-parser-dev liburing-dev
	libnghttp2-dev nghttp2-client nghttp2-server python3-grpcio golang-golang-x-net-dev
	haproxy gunicorn apache2 nftables wget hey tshark caddy lighttpd lighttpd-mod-openssl lighttpd-mod-gnutls golang-go
	stunnel4 python3-pycurl git
	node-http-proxy squid varnish
	prometheus python3-prometheus-client python3-yaml chromium valgrind faketime mount
	gnutls-bin mandoc man-db systemd libcap2-bin lintian dpkg-dev python3-pyelftools apparmor
	python3-pexpect python3-pyte libssl-dev binutils"
apt_bench="python3 nginx-light wrk openssl tcpdump tshark bpftrace util-linux mount"
apt_vm="qemu-system-x86 busybox-static cpio dpkg apt debian-archive-keyring"
apt_cross="gcc-aarch64-linux-gnu python3 dpkg apt debian-archive-keyring"
apt_emulator="qemu-system-arm"
apt_guest="busybox-static apparmor util-linux openssl"
apt_lint="clang-format clang-tidy cppcheck shellcheck python3-pyflakes"

# Names of the packages in Fedora and its relatives. Nobody has tested them.
dnf_build="clang llvm gcc glibc-devel make pkgconf libbpf-devel bpftool elfutils-libelf-devel zlib-devel
	libmicrohttpd-devel gnutls-devel jansson-devel libyaml-devel libzstd-devel libxcrypt-devel uthash-devel libcap-ng-devel
	libseccomp-devel ncurses-devel capstone-devel scdoc"
dnf_test="libcmocka-devel python3 python3-pytest python3-pytest-xdist python3-ptrace nginx curl openssl util-linux iproute
	httpd-tools wrk nodejs compiler-rt procps-ng http-parser-devel liburing-devel
	libnghttp2-devel nghttp2 python3-grpcio golang-x-net-devel
	haproxy python3-gunicorn httpd nftables wget hey wireshark-cli caddy lighttpd golang
	stunnel python3-pycurl git
	nodejs-http-proxy squid varnish
	golang-github-prometheus python3-prometheus_client python3-pyyaml chromium valgrind libfaketime
	gnutls-utils mandoc man-db systemd libcap dpkg-dev python3-pyelftools apparmor-parser
	python3-pexpect python3-pyte openssl-devel binutils"
dnf_bench="python3 nginx wrk openssl tcpdump wireshark-cli bpftrace util-linux"
dnf_vm="qemu-system-x86 busybox cpio dpkg apt debian-keyring"
dnf_cross="gcc-aarch64-linux-gnu python3 dpkg apt debian-keyring"
dnf_emulator="qemu-system-aarch64"
dnf_guest="busybox apparmor-parser util-linux openssl"
dnf_lint="clang-tools-extra cppcheck ShellCheck python3-pyflakes"

list=
if [ "${1-}" = --list ]; then
	list=1
	shift
fi

wanted=
for part in "$@"; do
	case $part in
	build | cross | test | bench | vm | emulator | guest | lint) ;;
	*)
		echo "usage: $0 [--list] build|cross|test|bench|vm|emulator|guest|lint..." >&2
		exit 2
		;;
	esac
	if command -v apt-get >/dev/null; then
		eval "wanted=\"\$wanted \$apt_$part\""
	else
		eval "wanted=\"\$wanted \$dnf_$part\""
	fi
done

if [ "$list" ]; then
	echo "$wanted"
	exit 0
fi

# Packages of nodejs may bring npm, and then refuse a package of that name.
case " $* " in *" test "*) command -v npm >/dev/null || wanted="$wanted npm" ;; esac

missing=
if command -v apt-get >/dev/null; then
	there=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null | sed -n 's/^installed //p')
	for package in $wanted; do
		echo "$there" | grep -qx "$package" || missing="$missing $package"
	done
elif command -v dnf >/dev/null; then
	for package in $wanted; do
		rpm -q --quiet --whatprovides "$package" || missing="$missing $package"
	done
else
	echo "setup: found neither apt-get nor dnf; please install these by hand:$wanted" >&2
	exit 1
fi

[ -n "$missing" ] || exit 0
if [ "$(id -u)" -ne 0 ]; then
	echo "setup: run as root to install:$missing" >&2
	exit 1
fi

echo "setup: installing$missing"
if command -v apt-get >/dev/null; then
	# Keeps the packages of servers from starting them, because the tests start servers of their own.
	policy=/usr/sbin/policy-rc.d
	if [ ! -e "$policy" ]; then
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod 755 "$policy"
		trap 'rm -f "$policy"' EXIT INT TERM
	fi
	export DEBIAN_FRONTEND=noninteractive
	apt-get -qq update
	# shellcheck disable=SC2086
	apt-get -qq install -y --no-install-recommends $missing >/dev/null
else
	# shellcheck disable=SC2086
	dnf -q -y install $missing
fi
