#!/usr/bin/env bash
# make chaos: installs, builds, and lets everything around the functions fail. Arguments go to the driver (tests/chaos), which
# prints its seed first, and with --help what it can do.
set -euo pipefail
# shellcheck source=local/stack/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$MAKEGOOD_ROOT"

"$STACK_DIR/install.sh" chaos
"$STACK_DIR/start.sh" redis
say "building the workspace (cargo build; minutes the first time, then seconds)"
cargo build --workspace --bins --features "${MAKEGOOD_FEATURES:-makegood-tests/kafka}"
exec "${CARGO_TARGET_DIR:-target}/debug/chaos" "$@"
