#!/usr/bin/env bash
# Starts our own servers and waits until each answers. A server that runs already is left alone.
#
#   start.sh [postgres] [pgbouncer] [redis] [ministack]     (default: all)
set -euo pipefail
# shellcheck source=local/stack/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
# shellcheck source=local/stack/servers.sh
source "$STACK_DIR/servers.sh"

start_postgres() {
  local data="$MAKEGOOD_STATE/postgres"
  if [[ ! -e "$data/PG_VERSION" ]]; then
    mkdir -p "$data" && chmod 700 "$data" && give_to_server_user "$data"
    as_server_user "$PG_BIN/initdb" --pgdata="$data" --username=makegood --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync \
      >"$MAKEGOOD_STATE/initdb.log" 2>&1 || { cat "$MAKEGOOD_STATE/initdb.log" >&2; die "initdb failed"; }
  fi
  # Everything here can be made again, so nothing waits for the disk. Only the loopback gets in, without a password.
  cat >"$data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
port = $MAKEGOOD_POSTGRES_PORT
unix_socket_directories = ''
max_connections = 300
shared_buffers = 256MB
max_wal_size = 4GB
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
CONF
  touch "$MAKEGOOD_POSTGRES_LOG"
  give_to_server_user "$data/postgresql.conf" "$MAKEGOOD_POSTGRES_LOG"
  as_server_user "$PG_BIN/pg_ctl" --pgdata="$data" --log="$MAKEGOOD_POSTGRES_LOG" --wait --timeout=30 --silent start >/dev/null ||
    { tail -5 "$MAKEGOOD_POSTGRES_LOG" >&2; die "Postgres did not start (its log: $MAKEGOOD_POSTGRES_LOG)"; }
}

# The tablespace of the tests' databases. Its folder is gone after a reboot, and what was in it with it.
prepare_scratch() {
  local on_server=("$PG_BIN/psql" -XqtA -v ON_ERROR_STOP=1 "$MAKEGOOD_TEST_DATABASE_URL") there
  [[ -n "$MAKEGOOD_SCRATCH" ]] || return 0
  there=$("${on_server[@]}" -c "SELECT count(*) FROM pg_tablespace WHERE spcname = 'makegood_scratch' AND pg_tablespace_location(oid) = '$MAKEGOOD_SCRATCH'")
  if [[ "$there" == 1 && -n "$(ls -A "$MAKEGOOD_SCRATCH" 2>/dev/null)" ]]; then return 0; fi
  "$STACK_DIR/database.sh" --drop-tests
  rm -rf "$MAKEGOOD_SCRATCH" && mkdir -m 700 "$MAKEGOOD_SCRATCH" && give_to_server_user "$MAKEGOOD_SCRATCH"
  PGOPTIONS='-c client_min_messages=error' "${on_server[@]}" -c "DROP TABLESPACE IF EXISTS makegood_scratch" \
    -c "CREATE TABLESPACE makegood_scratch LOCATION '$MAKEGOOD_SCRATCH'"
}

start_pgbouncer() {
  local home="$MAKEGOOD_STATE/pgbouncer" url=$MAKEGOOD_TEST_DATABASE_URL
  [[ "$url" =~ ^postgres(ql)?://(([^:@/]+)(:([^@/]*))?@)?([^:/?]+)(:([0-9]+))? ]] || die "Cannot read the Postgres URL"
  local user=${BASH_REMATCH[3]:-postgres} password=${BASH_REMATCH[5]} host=${BASH_REMATCH[6]} port=${BASH_REMATCH[8]:-5432}
  (umask 077 && cat >"$home/pgbouncer.ini") <<CONF
[databases]
* = host=$host port=$port user=$user${password:+ password=$password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $MAKEGOOD_PGBOUNCER_PORT
unix_socket_dir =
auth_type = any
pool_mode = transaction
; sqlx keeps up to 100 prepared statements a connection
max_prepared_statements = 500
ignore_startup_parameters = extra_float_digits
max_client_conn = 2000
default_pool_size = 20
; the next transaction gets another connection as often as possible: what leans on session state shows itself
server_round_robin = 1
; idle connections must not keep a test from dropping its database
server_idle_timeout = 2
autodb_idle_timeout = 10
server_login_retry = 1
query_wait_timeout = 30
log_connections = 0
log_disconnections = 0
logfile = $MAKEGOOD_STATE/pgbouncer.log
pidfile = $home/pgbouncer.pid
CONF
  touch "$MAKEGOOD_STATE/pgbouncer.log"
  give_to_server_user "$home" "$home/pgbouncer.ini" "$MAKEGOOD_STATE/pgbouncer.log"
  ulimit -n "$(ulimit -Hn)"
  as_server_user "$PGBOUNCER" --quiet --daemon "$home/pgbouncer.ini" </dev/null >/dev/null 2>&1 ||
    { tail -5 "$MAKEGOOD_STATE/pgbouncer.log" >&2; die "PgBouncer did not start"; }
}

start_redis() {
  mkdir -p "$MAKEGOOD_STATE/redis"
  # A cache to invalidate: nothing of it is ever written to disk.
  "$CACHE_SERVER" --port "$MAKEGOOD_REDIS_PORT" --bind 127.0.0.1 --save '' --appendonly no --daemonize yes \
    --dir "$MAKEGOOD_STATE/redis" --pidfile "$MAKEGOOD_STATE/redis/redis.pid" --logfile "$MAKEGOOD_STATE/redis.log" >/dev/null
}

start_ministack() {
  local home="$MAKEGOOD_STATE/ministack"
  mkdir -p "$home"
  drop_old_packages "$home/s3"
  # Functions inherit this environment, so it holds nothing but what a program needs to run:
  # what the functions read must come from the template.
  env -i PATH="$PATH" HOME="$home" TMPDIR="$home" LANG=C.UTF-8 \
    AWS_ACCESS_KEY_ID="$AWS_ACCESS_KEY_ID" AWS_SECRET_ACCESS_KEY="$AWS_SECRET_ACCESS_KEY" \
    AWS_EC2_METADATA_DISABLED=true BIND_HOST=127.0.0.1 MINISTACK_HOST=127.0.0.1 GATEWAY_PORT="$MAKEGOOD_AWS_PORT" IOT_MTLS_ENABLED=0 \
    AWS_ENDPOINT_URL="$AWS_ENDPOINT_URL" MINISTACK_REGION="$AWS_REGION" S3_PERSIST=1 S3_DATA_DIR="$home/s3" \
    setsid "$MINISTACK_VENV/bin/ministack" </dev/null >"$MAKEGOOD_STATE/ministack.log" 2>&1 &
  echo $! >"$home/ministack.pid"
}

# The packages of functions stay on disk, so that an unchanged one need not be made again; the replaced ones go.
drop_old_packages() {
  local package
  [[ -d "$1" ]] || return 0
  find "$1" -type f -size +1M | while read -r package; do
    grep -qs "${package##*/}" "$MAKEGOOD_STATE/packaged.yaml" || rm -f "$package"
  done
}

(($#)) || set -- postgres pgbouncer redis ministack
for server in $(chosen_servers "$@"); do
  if running "$server"; then
    [[ $server != postgres ]] || prepare_scratch
    continue
  fi
  port=$(port_of "$server")
  ! answers "$port" || die "Port $port, meant for $server, is taken by another program. Set another MAKEGOOD_PORT_BASE."
  say "starting $server on port $port"
  "start_$server"
  wait_for "$server"
  [[ $server != postgres ]] || prepare_scratch
done
