#!/usr/bin/env bash
# A Postgres of one test's own, with TLS and passwords, which the shared one has not: what a rotated login needs.
#
#   own_postgres.sh start <name> <port> [empty]   with a database makegood, which makegood migrate has been run on, or an empty one;
#                                                 the superuser makegood needs no password, everybody else does
#   own_postgres.sh pooler <name> <port> <port of Postgres>   a PgBouncer in front of it with TLS, which asks Postgres for passwords;
#                                                 its console lets in `console` with that password
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
    -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE \
    -keyout "$data/server.key" -out "$data/server.crt" 2>/dev/null
  chmod 600 "$data/server.key"
  cp "$data/server.crt" "$home/ca.crt"
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
  if [[ $schema == empty ]]; then
    "$PG_BIN/psql" -Xqc 'CREATE DATABASE makegood' "$url/postgres"
  else
    MAKEGOOD_POSTGRES_URL="$url/postgres" "$STACK_DIR/database.sh" makegood
  fi
}

stop_pooler() {
  local pid tenths
  [[ -e "$home/pooler.pid" ]] || return 0
  read -r pid <"$home/pooler.pid" || return 0
  grep -qz pgbouncer "/proc/$pid/cmdline" 2>/dev/null || return 0
  kill -KILL "$pid" 2>/dev/null || true
  for ((tenths = 0; tenths < 50; tenths++)); do
    alive "$pid" || break
    sleep 0.05
  done
  rm -f "$home/pooler.pid"
}

# Starts it, or starts it anew.
pooler() {
  local tenths
  stop_pooler
  printf '"%s" "%s"\n' makegood '' console console >"$home/userlist.txt"
  cat >"$home/pooler.ini" <<CONF
[databases]
makegood = host=127.0.0.1 port=$2
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $1
unix_socket_dir =
auth_type = scram-sha-256
auth_file = $home/userlist.txt
auth_user = makegood
admin_users = console
auth_query = SELECT usename, passwd FROM pg_shadow WHERE usename = \$1
client_tls_sslmode = allow
client_tls_key_file = $data/server.key
client_tls_cert_file = $data/server.crt
pool_mode = transaction
max_prepared_statements = 500
ignore_startup_parameters = extra_float_digits
logfile = $home/pooler.log
pidfile = $home/pooler.pid
CONF
  touch "$home/pooler.log"
  give_to_server_user "$home"/{userlist.txt,pooler.ini,pooler.log}
  as_server_user "$PGBOUNCER" --quiet --daemon "$home/pooler.ini" </dev/null >/dev/null 2>&1 ||
    { tail -5 "$home/pooler.log" >&2; die "PgBouncer did not start"; }
  for ((tenths = 0; tenths < 100; tenths++)); do
    answers "$1" && return 0
    sleep 0.1
  done
  die "PgBouncer does not answer on port $1"
}

stop() {
  stop_pooler
  as_server_user "$PG_BIN/pg_ctl" --pgdata="$data" --mode=immediate --wait --silent stop >/dev/null 2>&1 || true
  rm -rf "$home"
}

case ${1:-} in
  start) start "${3:?a port}" "${4:-}" ;;
  pooler) pooler "${3:?a port}" "${4:?the port of Postgres}" ;;
  stop) stop ;;
  *) die "own_postgres.sh start <name> <port> [empty] | pooler <name> <port> <port of Postgres> | stop <name>" ;;
esac
