#!/usr/bin/env bash
# make test: installs, starts, builds, prepares the databases, then runs every test. Arguments go to cargo nextest run;
# --postgres=18 before them (16, 17) runs on that version.
set -euo pipefail
if [[ "${1:-}" == --postgres=* ]]; then
  exec "$(dirname "${BASH_SOURCE[0]}")/other_postgres.sh" "${1#--postgres=}" "${@:2}"
fi
# shellcheck source=local/stack/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$MAKEGOOD_ROOT"

"$STACK_DIR/install.sh"
"$STACK_DIR/install.sh" kafka
"$STACK_DIR/start.sh"
say "building the workspace (cargo build; minutes the first time, then seconds)"
# With Kafka, which only those who publish to it carry (docs/decisions/0011): its tests drive these binaries.
features=(--features "${MAKEGOOD_FEATURES:-makegood-tests/kafka}")
cargo build --workspace --bins "${features[@]}"
"$STACK_DIR/database.sh" --drop-tests
# Each test's database is a copy of this one.
"$STACK_DIR/database.sh" "$MAKEGOOD_TEMPLATE_DATABASE" --fresh
say "testing (cargo nextest)"
cargo nextest run --workspace "${features[@]}" "$@"
if (($# == 0)); then
  say "examples in the documentation"
  cargo test --workspace --doc --quiet "${features[@]}"
  say "the pages that each statement reads (tests/plans)"
  python3 tests/plans/plans.py
  python3 "$STACK_DIR/tried.py" servers "${features[@]}"
fi
