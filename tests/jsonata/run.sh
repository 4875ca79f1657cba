#!/bin/sh
# suite|differential SHARED EVAL…: judges an executable that speaks the line protocol. Installs the reference on first use.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
what=$1
shared=$2
shift 2
case $what in
  suite)
    if [ ! -e "$shared/jsonata/run_suite.mjs" ]; then
      echo "The suite is not at $shared/jsonata: configure with -DMILLRACE_SHARED=<folder that holds jsonata/>" >&2
      exit 77
    fi
    exec node "$shared/jsonata/run_suite.mjs" -v --cmd "$*"
    ;;
  differential)
    [ -e "$here/node_modules/jsonata" ] || (cd "$here" && npm ci --no-audit --no-fund --silent)
    exec node "$here/differential.mjs" --cmd "$*" --seconds 30 --count 30000 --seed "${MILLRACE_SEED:-1}"
    ;;
esac
