#!/bin/sh
# build.sh PROGRAM FOLDER: makes FOLDER/millrace_VERSION_ARCHITECTURE.deb of the millrace program; what it depends on is found out from
# the program (dpkg-shlibdeps). The same program and commit make the same bytes. Prints the package's path. Needs Debian's dpkg-dev.
set -eu
program=$(realpath "$1")
folder=$(realpath "$2")
here=$(realpath "$(dirname "$0")")
source=$here/../..
version=$("$program" --version | cut -d' ' -f2)
architecture=$(dpkg --print-architecture)
SOURCE_DATE_EPOCH=$(git -C "$source" log -1 --format=%ct 2>/dev/null || date +%s)
export SOURCE_DATE_EPOCH

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/debian/millrace
documents=$root/usr/share/doc/millrace

install -D -m 755 "$program" "$root/usr/bin/millrace"
strip --strip-unneeded "$root/usr/bin/millrace"
install -D -m 644 "$source/packaging/systemd/millrace.service" "$root/lib/systemd/system/millrace.service"
install -D -m 644 "$here/millrace.yaml" "$root/etc/millrace/millrace.yaml"
install -m 600 "$here/flows.env" "$root/etc/millrace/flows.env"
install -D -m 644 "$here/copyright" "$documents/copyright"
install -m 644 "$source/README.md" "$documents/"
cp -r "$source/docs" "$documents/"
gzip -9n <"$source/CHANGELOG.md" >"$documents/changelog.gz"
cp -r "$source/examples" "$documents/"
"$program" completion bash >"$work/completion"
install -D -m 644 "$work/completion" "$root/usr/share/bash-completion/completions/millrace"

# What dpkg-dev's programs look for where they are started.
mkdir "$root/DEBIAN"
cp "$here/control" "$work/debian/control"
printf 'millrace (%s) stable; urgency=medium\n\n  * See changelog.gz.\n\n -- %s  %s\n' "$version" \
  "$(sed -n 's/^Maintainer: //p' "$here/control")" "$(date -R -u -d "@$SOURCE_DATE_EPOCH")" >"$work/debian/changelog"
(
  cd "$work"
  dpkg-shlibdeps -Tsubstvars -e "$root/usr/bin/millrace"
  dpkg-gencontrol -pmillrace -Tsubstvars -P"$root" -O"$root/DEBIAN/control"
)
for script in postinst prerm postrm; do install -m 755 "$here/$script" "$root/DEBIAN/$script"; done
(cd "$root" && find etc -type f -printf '/%p\n' | sort) >"$root/DEBIAN/conffiles"
(cd "$root" && find usr lib -type f -print0 | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"

package=$folder/millrace_${version}_$architecture.deb
dpkg-deb --root-owner-group --build "$root" "$package" >/dev/null
echo "$package"
