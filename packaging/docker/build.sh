#!/bin/sh
# build.sh PROGRAM [TAG]: makes the image of the millrace program, from this machine's files alone: no registry is asked.
# DOCKER_HOST says which engine, as for every client of Docker. Prints tag and size.
set -eu
program=$1
tag=${2:-millrace:$("$program" --version | cut -d' ' -f2)}
here=$(dirname "$0")

context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
root=$context/root
mkdir "$root" "$context/data"

# The libraries of a file, with the dynamic loader, as ldd resolves them here.
libraries_of() {
  ldd "$1" | sed -n -e 's|.* => \(/[^ ]*\) .*|\1|p' -e 's|^[[:space:]]*\(/[^ ]*\) .*|\1|p'
}

# libcurl is loaded when first used, so that ldd does not know of it.
curl=$(ldconfig -p | sed -n 's|.*libcurl\.so\.4 .*x86-64.* => \(.*\)|\1|p; s|.*libcurl\.so\.4 .*AArch64.* => \(.*\)|\1|p' | head -n 1)
# Likewise libpq, for a store in PostgreSQL.
pq=$(ldconfig -p | sed -n 's|.*libpq\.so\.5 .*x86-64.* => \(.*\)|\1|p; s|.*libpq\.so\.5 .*AArch64.* => \(.*\)|\1|p' | head -n 1)
[ -n "$pq" ] || { echo "build.sh: libpq.so.5 is not installed (apt-get install libpq5)" >&2; exit 1; }
[ -n "$curl" ] || { echo "build.sh: libcurl.so.4 is not installed (apt-get install libcurl4)" >&2; exit 1; }

mkdir -p "$root/usr/bin" "$root/etc/ssl/certs" "$root/usr/share"
install -m 1777 -d "$root/tmp"
for library in $(libraries_of "$program") "$curl" $(libraries_of "$curl") "$pq" $(libraries_of "$pq"); do
  [ -e "$root$library" ] || install -D -m 755 "$library" "$root$library"
done
install -m 755 "$program" "$root/usr/bin/millrace"
strip --strip-unneeded "$root/usr/bin/millrace"
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
cp -r /usr/share/zoneinfo "$root/usr/share/"
rm -rf "$root/usr/share/zoneinfo/right" "$root/usr/share/zoneinfo/posix"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
printf 'root:x:0:0::/:/\nmillrace:x:65532:65532::/data:/\n' >"$root/etc/passwd"
printf 'root:x:0:\nmillrace:x:65532:\n' >"$root/etc/group"

docker build --quiet --tag "$tag" --file "$here/Dockerfile" "$context" >/dev/null
size=$(docker image inspect --format '{{.Size}}' "$tag")
echo "$tag $((size / 1000000)) MB"
