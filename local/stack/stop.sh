#!/usr/bin/env bash
# Stops our own servers, the last started first. Their data stays.
#
#   stop.sh [postgres] [pgbouncer] [redis] [ministack]      (default: all)
set -euo pipefail
# shellcheck source=local/stack/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
# shellcheck source=local/stack/servers.sh
source "$STACK_DIR/servers.sh"

stop() {
  local pid tenths
  pid=$(pid_of "$1")
  [[ -n "$pid" ]] || return 0
  say "stopping $1"
  case $1 in
    # Fast shutdown: disconnect everyone, leave a clean cluster.
    postgres) kill -INT "$pid" ;;
    # With its functions, which are its children: it leads their process group.
    ministack) kill -TERM -- "-$pid" ;;
    *) kill -TERM "$pid" ;;
  esac
  for ((tenths = 0; tenths < 100; tenths++)); do
    alive "$pid" || return 0
    sleep 0.1
  done
  say "$1 does not stop, killing it"
  if [[ $1 == ministack ]]; then kill -KILL -- "-$pid"; else kill -KILL "$pid"; fi
}

chosen_servers "$@" | tac | while read -r server; do stop "$server"; done
