#!/usr/bin/env bash
# A Postgres of one chaos run's own and two PgBouncers in front of it, which make chaos crashes, fills and restarts.
#
#   chaos_servers.sh start <name> <postgres port> <pgbouncer port> <read-only pgbouncer port> [MB]
#                                          with a migrated database makegood; with MB its data lies in a tmpfs of that size
#                                          where that can be mounted, and the file `full` beside it says so
#   chaos_servers.sh postgres-crash <name>      ends Postgres as a crash does
#   chaos_servers.sh postgres-start <name>      starts it again, unless it runs, and waits until it answers
#   chaos_servers.sh pgbouncer-kill <name> <rw|ro>
#   chaos_servers.sh pgbouncer-start <name> <rw|ro>
#   chaos_servers.sh pgbouncer-password <name> <verifier>   what both PgBouncers know of the password of the functions' role
#   chaos_servers.sh stop <name>                ends all of it and removes its folder
#   chaos_servers.sh stop-abandoned             the same for every run whose driver is gone
set -euo pipefail
# shellcheck source=local/stack/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
# shellcheck source=local/stack/servers.sh
source "$STACK_DIR/servers.sh"

runs="$MAKEGOOD_STATE/chaos"
home="$runs/${2:-}" data="$runs/${2:-}/data"

mount_small_disk() {
  ((EUID == 0)) && mount -t tmpfs -o "size=${1}m,mode=0700" makegood-chaos "$data" 2>/dev/null && : >"$home/full"
}

initialize() {
  local port=$1
  as_server_user "$PG_BIN/initdb" --pgdata="$data" --username=makegood --auth=trust --encoding=UTF8 --locale=C.UTF-8 \
    --wal-segsize=1 --no-sync >/dev/null
  # fsync may be off: a crash of the server loses nothing that the system holds. Commits are answered when they are written.
  cat >"$data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = ''
max_connections = 60
superuser_reserved_connections = 6
shared_buffers = 64MB
min_wal_size = 4MB
max_wal_size = 32MB
fsync = off
full_page_writes = off
log_min_messages = warning
log_min_error_statement = error
# As in the template: a refused row's values stay out of the log.
log_error_verbosity = terse
log_line_prefix = '%m [%p] db=%d app=%a '
log_checkpoints = off
timezone = 'UTC'
log_timezone = 'UTC'
restart_after_crash = on
CONF
  cat >"$data/pg_hba.conf" <<CONF
host all makegood 127.0.0.1/32 trust
host all all      127.0.0.1/32 scram-sha-256
CONF
  give_to_server_user "$data/postgresql.conf" "$data/pg_hba.conf"
}

# What the driver's end of the functions' links shows: a login from a secret asks for TLS.
make_certificate() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE \
    -keyout "$home/tls.key" -out "$home/tls.crt" 2>/dev/null || die "openssl made no certificate"
}

pgbouncer_password() {
  local kind pid
  echo "\"makegood_app\" \"$1\"" >"$home/userlist.new"
  chmod 600 "$home/userlist.new"
  give_to_server_user "$home/userlist.new"
  mv "$home/userlist.new" "$home/userlist.txt"
  for kind in rw ro; do
    [[ -e "$home/$kind.pid" ]] || continue
    read -r pid <"$home/$kind.pid" || continue
    ! grep -qz pgbouncer "/proc/$pid/cmdline" 2>/dev/null || kill -HUP "$pid" 2>/dev/null || true
  done
}

# The functions' role is not the superuser: the places that are kept for superusers are the driver's.
bouncer_config() {
  local kind=$1 port=$2 postgres=$3 query=""
  [[ $kind != ro ]] || query=" connect_query='SET default_transaction_read_only = on'"
  cat >"$home/$kind.ini" <<CONF
[databases]
makegood = host=127.0.0.1 port=$postgres$query
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $port
unix_socket_dir =
auth_type = scram-sha-256
auth_file = $home/userlist.txt
pool_mode = transaction
max_prepared_statements = 500
ignore_startup_parameters = extra_float_digits
max_client_conn = 2000
default_pool_size = 20
server_round_robin = 1
server_idle_timeout = 30
server_login_retry = 1
query_wait_timeout = 30
log_connections = 0
log_disconnections = 0
logfile = $home/$kind.log
pidfile = $home/$kind.pid
CONF
  touch "$home/$kind.log"
  give_to_server_user "$home/$kind.ini" "$home/$kind.log"
}

postgres_start() {
  local tries
  ! as_server_user "$PG_BIN/pg_ctl" --pgdata="$data" status >/dev/null 2>&1 || return 0
  # After a crash in the middle of recovery the first start may fail.
  for tries in 1 2 3; do
    as_server_user "$PG_BIN/pg_ctl" --pgdata="$data" --log="$home/postgres.log" --wait --timeout=30 --silent start >/dev/null 2>&1 && return 0
    sleep 0.3
  done
  tail -5 "$home/postgres.log" >&2
  die "the Postgres of the chaos run did not start ($tries tries; its log: $home/postgres.log)"
}

postgres_crash() {
  as_server_user "$PG_BIN/pg_ctl" --pgdata="$data" --mode=immediate --wait --timeout=20 --silent stop >/dev/null 2>&1 || true
}

pgbouncer_start() {
  local tenths port
  port=$(sed -nE 's/^listen_port = //p' "$home/$1.ini")
  ! answers "$port" || return 0
  ulimit -n "$(ulimit -Hn)"
  rm -f "$home/$1.pid"
  as_server_user "$PGBOUNCER" --quiet --daemon "$home/$1.ini" </dev/null >/dev/null 2>&1 ||
    { tail -5 "$home/$1.log" >&2; die "PgBouncer ($1) did not start"; }
  for ((tenths = 0; tenths < 100; tenths++)); do
    answers "$port" && return 0
    sleep 0.1
  done
  die "PgBouncer ($1) does not answer on port $port"
}

pgbouncer_kill() {
  local pid tenths
  read -r pid <"$home/$1.pid" 2>/dev/null || return 0
  grep -qz pgbouncer "/proc/$pid/cmdline" 2>/dev/null || return 0
  kill -KILL "$pid" 2>/dev/null || true
  for ((tenths = 0; tenths < 50; tenths++)); do
    alive "$pid" || return 0
    sleep 0.05
  done
}

start() {
  local postgres=$3 url
  mkdir -p "$data" && chmod 700 "$data"
  echo "$PPID" >"$home/driver.pid"
  [[ -z "${6:-}" ]] || mount_small_disk "$6" || true
  give_to_server_user "$home" "$data"
  initialize "$postgres"
  postgres_start
  url="postgres://makegood@127.0.0.1:$postgres"
  "$PG_BIN/psql" -Xq -c 'CREATE DATABASE makegood' -c 'CREATE ROLE makegood_app LOGIN' "$url/postgres"
  DATABASE_URL="$url/makegood" "$(makegood)" migrate --limit-role makegood_app >"$home/migrate.log" 2>&1 ||
    { cat "$home/migrate.log" >&2; die "the migrations of the chaos run failed"; }
  "$PG_BIN/psql" -Xq -v ON_ERROR_STOP=1 "$url/makegood" <<'SQL'
GRANT USAGE ON SCHEMA public TO makegood_app;
GRANT ALL ON ALL TABLES IN SCHEMA public TO makegood_app;
GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO makegood_app;
SQL
  # The driver gives the role its password.
  : >"$home/userlist.txt"
  give_to_server_user "$home/userlist.txt"
  make_certificate
  bouncer_config rw "$4" "$postgres"
  bouncer_config ro "$5" "$postgres"
  pgbouncer_start rw
  pgbouncer_start ro
}

makegood() {
  local binary="${MAKEGOOD_BINARIES:-${CARGO_TARGET_DIR:-$MAKEGOOD_ROOT/target}/debug}/makegood"
  [[ -x "$binary" ]] || die "There is no binary of makegood yet. Type: cargo build --workspace --bins"
  echo "$binary"
}

stop() {
  [[ -d "$home" ]] || return 0
  pgbouncer_kill rw
  pgbouncer_kill ro
  postgres_crash
  umount "$data" 2>/dev/null || true
  rm -rf "$home"
}

stop_abandoned() {
  local folder driver
  for folder in "$runs"/*/; do
    [[ -d "$folder" ]] || continue
    driver=$(cat "$folder/driver.pid" 2>/dev/null || true)
    [[ -n "$driver" ]] && alive "$driver" && grep -qz chaos "/proc/$driver/cmdline" && continue
    home=${folder%/} data="${folder%/}/data"
    stop
  done
}

case ${1:-} in
  start) start "$@" ;;
  postgres-crash) postgres_crash ;;
  postgres-start) postgres_start ;;
  pgbouncer-kill) pgbouncer_kill "${3:?rw or ro}" ;;
  pgbouncer-start) pgbouncer_start "${3:?rw or ro}" ;;
  pgbouncer-password) pgbouncer_password "${3:?a verifier}" ;;
  stop) : "${2:?a name}" && stop ;;
  stop-abandoned) stop_abandoned ;;
  *) die "chaos_servers.sh start|postgres-crash|postgres-start|pgbouncer-kill|pgbouncer-start|pgbouncer-password|stop|stop-abandoned <name> …" ;;
esac
