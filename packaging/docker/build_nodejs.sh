#!/bin/sh
# build_nodejs.sh BASE [TAG]: the image BASE (build.sh) with this machine's Node.js beside it, for steps of installed components in
# containers; no registry is asked. Prints tag and size.
set -eu
base=$1
tag=${2:-millrace-nodejs:${base##*:}}
here=$(dirname "$0")
node=$(command -v node) || { echo "build_nodejs.sh: node is not installed (apt-get install nodejs)" >&2; exit 1; }

context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
root=$context/root
install -D -m 755 "$(readlink -f "$node")" "$root/usr/bin/node"
for library in $(ldd "$root/usr/bin/node" | sed -n -e 's|.* => \(/[^ ]*\) .*|\1|p' -e 's|^[[:space:]]*\(/[^ ]*\) .*|\1|p'); do
  install -D -m 755 "$library" "$root$library"
done
# Debian's own Node.js has some of its modules there.
for module in acorn acorn-walk cjs-module-lexer undici; do
  [ ! -d "/usr/share/nodejs/$module" ] || { mkdir -p "$root/usr/share/nodejs"; cp -rL "/usr/share/nodejs/$module" "$root/usr/share/nodejs/"; }
done

docker build --quiet --tag "$tag" --build-arg "BASE=$base" --file "$here/nodejs.Dockerfile" "$context" >/dev/null
size=$(docker image inspect --format '{{.Size}}' "$tag")
echo "$tag $((size / 1000000)) MB"
