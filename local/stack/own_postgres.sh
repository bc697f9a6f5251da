#!/usr/bin/env bash
# A Postgres of one test's own, with TLS and passwords, which the shared one has not: what a rotated login needs.
#
#   own_postgres.sh start <name> <port> [empty]   with a database makegood, which has the schema of the tests' template, or none
#                                                 with empty; the superuser makegood needs no password, everybody else does
#   own_postgres.sh stop <name>                   ends it and removes its folder
set -euo pipefail
# shellcheck source=local/stack/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
# shellcheck source=local/stack/servers.sh
source "$STACK_DIR/servers.sh"

home="$MAKEGOOD_STATE/own-postgres/${2:?a name}" data="$MAKEGOOD_STATE/own-postgres/$2/data"

start() {
  local port=$1 schema=$2
  mkdir -p "$data" && chmod 700 "$data" && give_to_server_user "$data"
  as_server_user "$PG_BIN/initdb" --pgdata="$data" --username=makegood --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync >/dev/null
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
    -keyout "$data/server.key" -out "$data/server.crt" 2>/dev/null
  chmod 600 "$data/server.key"
  cat >"$data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = ''
ssl = on
fsync = off
full_page_writes = off
shared_buffers = 16MB
CONF
  cat >"$data/pg_hba.conf" <<CONF
host    all makegood 127.0.0.1/32 trust
hostssl all all      127.0.0.1/32 scram-sha-256
CONF
  give_to_server_user "$home" "$data"/{server.key,server.crt,postgresql.conf,pg_hba.conf}
  as_server_user "$PG_BIN/pg_ctl" --pgdata="$data" --log="$home/log" --wait --timeout=30 --silent start >/dev/null
  local url="postgres://makegood@127.0.0.1:$port"
  "$PG_BIN/psql" -Xqc 'CREATE DATABASE makegood' "$url/postgres"
  [[ $schema != empty ]] || return 0
  "$PG_BIN/pg_dump" --schema-only --no-owner "$(database_url "$MAKEGOOD_TEST_DATABASE_URL" "$MAKEGOOD_TEMPLATE_DATABASE")" |
    "$PG_BIN/psql" -Xq -v ON_ERROR_STOP=1 "$url/makegood" >/dev/null
}

stop() {
  as_server_user "$PG_BIN/pg_ctl" --pgdata="$data" --mode=immediate --wait --silent stop >/dev/null 2>&1 || true
  rm -rf "$home"
}

case ${1:-} in
  start) start "${3:?a port}" "${4:-}" ;;
  stop) stop ;;
  *) die "own_postgres.sh start <name> <port> [empty] | stop <name>" ;;
esac
