#!/bin/sh
# run.sh BUILD_FOLDER [SECONDS]: the six mappings of ../shared/jsonata/bench, this engine beside npm's jsonata.
# Prints a table and last a line of JSON. MILLRACE_SHARED names the shared folder where it is not beside the checkout.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$1
shared=${MILLRACE_SHARED:-$here/../../../shared}
[ -e "$here/../../tests/jsonata/node_modules/jsonata" ] || (cd "$here/../../tests/jsonata" && npm ci --no-audit --no-fund --silent)
exec node "$here/compare.mjs" "$build/bench/jsonata/jsonata_bench" "$shared/jsonata/bench" "${2:-1}"
