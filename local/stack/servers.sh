# shellcheck shell=bash
# What start.sh, stop.sh and status.sh know about our servers: names, ports, process ids, users. Sourced after env.sh.

# The servers named, or all of them, without those that the machine offers itself; in the order in which they start.
# What makegood-local starts (admin service, gateways, identity provider, the address of the API) is among them only to be stopped.
chosen_servers() {
  local server
  (($#)) || set -- postgres pgbouncer redis ministack admin-service gateways identity api-proxy
  for server in "$@"; do
    case $server in
      postgres) [[ -n "${MAKEGOOD_POSTGRES_URL:-}" ]] || echo "$server" ;;
      pgbouncer) [[ -n "${MAKEGOOD_POOLER_URL:-}" ]] || echo "$server" ;;
      redis) [[ -n "${MAKEGOOD_REDIS_URL:-}" ]] || echo "$server" ;;
      ministack) [[ -n "${MAKEGOOD_AWS_ENDPOINT_URL:-}" ]] || echo "$server" ;;
      admin-service | gateways | identity | api-proxy) echo "$server" ;;
      *) die "No server is called $server: postgres, pgbouncer, redis, ministack." ;;
    esac
  done
}

port_of() {
  case $1 in
    postgres) echo "$MAKEGOOD_POSTGRES_PORT" ;;
    pgbouncer) echo "$MAKEGOOD_PGBOUNCER_PORT" ;;
    redis) echo "$MAKEGOOD_REDIS_PORT" ;;
    ministack) echo "$MAKEGOOD_AWS_PORT" ;;
    admin-service) echo "$MAKEGOOD_ADMIN_PORT" ;;
    gateways) echo "$MAKEGOOD_GATEWAYS_PORT" ;;
    identity) echo "$MAKEGOOD_IDENTITY_PORT" ;;
    api-proxy) echo "$MAKEGOOD_API_PORT" ;;
  esac
}

# Whether a process runs. One that has ended counts as gone even while its parent has not asked for its exit code.
alive() {
  local stat
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null && [[ ${stat##*) } != Z* ]]
}

# The process id of a server of ours that runs; nothing when it does not.
pid_of() {
  local file pid
  case $1 in
    postgres) file="$MAKEGOOD_STATE/postgres/postmaster.pid" ;;
    *) file="$MAKEGOOD_STATE/$1/$1.pid" ;;
  esac
  [[ -r "$file" ]] && read -r pid <"$file" && alive "$pid" || return 0
  # A process id from before a reboot may be anybody's: it must be a process that names our folder, or postgres itself.
  case $1 in
    postgres) grep -qz postgres "/proc/$pid/cmdline" || return 0 ;;
    redis) grep -qz "${CACHE_SERVER##*/}" "/proc/$pid/cmdline" || return 0 ;;
    *) grep -qz "$1" "/proc/$pid/cmdline" || return 0 ;;
  esac
  echo "$pid"
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
running() { [[ -n "$(pid_of "$1")" ]] && answers "$(port_of "$1")"; }

wait_for() {
  local tenths
  for ((tenths = 0; tenths < 300; tenths++)); do
    running "$1" && return 0
    sleep 0.1
  done
  tail -5 "$MAKEGOOD_STATE/$1.log" >&2 || true
  die "$1 does not answer on port $(port_of "$1") after 30 s (its log: $MAKEGOOD_STATE/$1.log)"
}

# Postgres and PgBouncer refuse to run as root, so root lends them another user; anybody else runs them as is.
server_user() { getent passwd postgres >/dev/null && echo postgres || echo nobody; }
give_to_server_user() { ((EUID != 0)) || chown "$(server_user)" "$@"; }
as_server_user() {
  if ((EUID != 0)); then
    "$@"
    return
  fi
  local lend=(setpriv --reuid="$(server_user)" --regid="$(id -g "$(server_user)")" --clear-groups)
  # A clone below a closed folder such as root's home: let the server pass through, without opening the folder.
  "${lend[@]}" test -x "$MAKEGOOD_STATE" || lend+=(--inh-caps=+dac_override --ambient-caps=+dac_override)
  (cd "$MAKEGOOD_STATE" && "${lend[@]}" "$@")
}
