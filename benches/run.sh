#!/usr/bin/env bash
# make bench: the release binaries, measured on this machine's own servers. Arguments name benches (default: all).
set -euo pipefail
# shellcheck source=local/stack/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/../local/stack/env.sh"
cd "$MAKEGOOD_ROOT"

benches=("$@")
((${#benches[@]})) || benches=(binaries purchases webhooks orders console)
say "building (release)"
cargo build --workspace --bins --release --quiet
"$STACK_DIR/database.sh" "$MAKEGOOD_TEMPLATE_DATABASE" --fresh
printf '%s\n' "$(date -u +%F)  $(nproc) cores  $(sed -nE 's/^model name\s*: //p' /proc/cpuinfo | head -1)"
# Only the functions are measured; what drives them is built by the profile `bench`.
export MAKEGOOD_BINARIES="${CARGO_TARGET_DIR:-$MAKEGOOD_ROOT/target}/release"
for bench in "${benches[@]}"; do
  say "$bench"
  cargo bench --quiet --workspace --bench "$bench"
done
