#!/usr/bin/env bash
# make bench: the release binaries, measured on this machine's own servers. Arguments name benches (default: all).
#
#   run.sh [--delay 0.5ms] [bench…]     with --delay, what functions send to the pooler waits that long
set -euo pipefail
# shellcheck source=local/stack/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/../local/stack/env.sh"
cd "$MAKEGOOD_ROOT"

delay=""
benches=()
while (($#)); do
  case $1 in
    --delay) delay=${2%ms} && shift 2 || die "--delay wants milliseconds, such as 0.5ms" ;;
    *) benches+=("$1") && shift ;;
  esac
done
((${#benches[@]})) || benches=(binaries purchases webhooks orders console)
say "building (release)"
cargo build --workspace --bins --release --quiet
"$STACK_DIR/database.sh" "$MAKEGOOD_TEMPLATE_DATABASE" --fresh
printf '%s\n' "$(date -u +%F)  $(nproc) cores  $(sed -nE 's/^model name\s*: //p' /proc/cpuinfo | head -1)"
[[ -z "$delay" ]] || printf '%s\n' "$delay ms to the pooler"
if [[ -n "$delay" ]]; then
  # The port that nothing of this clone uses.
  port=$((MAKEGOOD_PORT_BASE + 9))
  python3 benches/delay_proxy.py "$port" "$MAKEGOOD_PGBOUNCER_PORT" "$delay" &
  # shellcheck disable=SC2064
  trap "kill $!" EXIT
  export MAKEGOOD_TEST_POOLER_URL="${MAKEGOOD_TEST_POOLER_URL/:$MAKEGOOD_PGBOUNCER_PORT/:$port}"
fi
# Only the functions are measured; what drives them is built by the profile `bench`.
export MAKEGOOD_BINARIES="${CARGO_TARGET_DIR:-$MAKEGOOD_ROOT/target}/release"
for bench in "${benches[@]}"; do
  say "$bench"
  cargo bench --quiet --workspace --bench "$bench"
done
