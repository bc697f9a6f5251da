#!/usr/bin/env bash
# make plans: the pages that each statement reads, against its budget (tests/plans/README.md). Arguments go to tests/plans/plans.py;
# --postgres=18 before them (16, 17) asks that version.
set -euo pipefail
if [[ "${1:-}" == --postgres=* ]]; then
  exec "$(dirname "${BASH_SOURCE[0]}")/other_postgres.sh" "${1#--postgres=}" --plans "${@:2}"
fi
# shellcheck source=local/stack/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$MAKEGOOD_ROOT"

"$STACK_DIR/install.sh" servers
"$STACK_DIR/start.sh" postgres
# The migrations are in the command.
cargo build --workspace --bin makegood --quiet --features "${MAKEGOOD_FEATURES:-makegood-tests/kafka}"
python3 tests/plans/plans.py "$@"
