#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Makes a Debian package of what `make install` installs. Run from the top of the sources, by `make deb`.
#
#   tools/packaging/build-deb.sh BUILD ARCHITECTURE [SYSROOT]
#
# ARCHITECTURE is Debian's name of the processor; SYSROOT, if it is not this machine's, the folder that tools/sysroot.py made.
set -eu

build=$1 architecture=$2 sysroot=${3:+$(realpath "$3")}
here=tools/packaging/debian
work=$build/deb
root=$work/root
doc=$root/usr/share/doc/keepwatch

# A package that is built again from the same sources is the same, byte for byte: whoever builds it, where and when. The
# Makefile sees to the program. Here modes do not depend on the umask, and all times are SOURCE_DATE_EPOCH.
umask 022
export LC_ALL=C.UTF-8
: "${SOURCE_DATE_EPOCH:?is set by make deb}" "${STRIP:?is set by make deb}"
eval "export $(dpkg-architecture -a"$architecture" 2>/dev/null | grep ^DEB_HOST_ | tr '\n' ' ')"

rm -rf "$work"
mkdir -p "$work/debian" "$root/DEBIAN" "$doc"
make --no-print-directory install DESTDIR="$root" PREFIX=/usr UNITDIR=/lib/systemd/system
$STRIP --remove-section=.comment --remove-section=.note "$root/usr/bin/keepwatch"

install -m 644 -t "$work/debian" $here/changelog $here/control
install -m 644 -t "$doc" README.md SECURITY.md
install -D -m 644 tools/packaging/keepwatch.apparmor "$root/etc/apparmor.d/keepwatch"
sed 's/^$/./; s/^/ /' LICENSES/BSD-2-Clause.txt >"$work/bsd"
sed -e "/^@BSD@$/{r $work/bsd" -e 'd}' $here/copyright >"$doc/copyright"
gzip -9n <"$work/debian/changelog" >"$doc/changelog.gz"
gzip -9n "$root"/usr/share/man/man*/*
for script in postinst prerm postrm; do
	install -m 755 "$here/$script" "$root/DEBIAN/$script"
done

(cd "$root" && find etc -type f -printf '/%p\n' | sort >DEBIAN/conffiles)
(cd "$root" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
# Both of these tools expect a source package.
(cd "$work" && dpkg-shlibdeps ${sysroot:+"-S$sysroot"} -Tsubstvars root/usr/bin/keepwatch &&
	dpkg-gencontrol -pkeepwatch -Tsubstvars -Proot -fdebian/files)
find "$root" -type d -exec chmod 755 {} +
find "$root" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
dpkg-deb --root-owner-group -Zxz --build "$root" "$work" >/dev/null
package=$(ls "$work"/*.deb)
tools/packaging/sbom.py "$package" "$root/usr/bin/keepwatch" "$DEB_HOST_GNU_CPU" ${sysroot:+"$sysroot"} >"${package%.deb}.spdx.json"
echo "$package"
