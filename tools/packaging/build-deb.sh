#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Makes a Debian package of what `make install` installs. Run from the top of the sources, by `make deb`.
#
#   tools/packaging/build-deb.sh BUILD
set -eu

build=$1
here=tools/packaging/debian
work=$build/deb
root=$work/root
doc=$root/usr/share/doc/keepwatch

rm -rf "$work"
mkdir -p "$work/debian" "$root/DEBIAN" "$doc"
make --no-print-directory install DESTDIR="$root" PREFIX=/usr UNITDIR=/lib/systemd/system
strip --remove-section=.comment --remove-section=.note "$root/usr/bin/keepwatch"

# A package that is built again from the same sources is the same, because its times are that of the changelog.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(date -u -d "$(sed -n 's/^ -- .*>  //p' $here/changelog | head -1)" +%s)}
export SOURCE_DATE_EPOCH
cp $here/changelog "$work/debian/changelog"
cp $here/control "$work/debian/"
install -m 644 README.md "$doc/README.md"
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
(cd "$work" && dpkg-shlibdeps -Tsubstvars root/usr/bin/keepwatch &&
	dpkg-gencontrol -pkeepwatch -Tsubstvars -Proot -fdebian/files)
find "$root" -type d -exec chmod 755 {} +
dpkg-deb --root-owner-group --build "$root" "$work" >/dev/null
ls "$work"/*.deb
