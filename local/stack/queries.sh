#!/usr/bin/env bash
# The query cache .sqlx, which lets everything compile without a database.
#
# From it and the database come the columns that each function uses (columns.py): they are written and checked together.
#
#   queries.sh prepare    writes it anew; type this after changing a query or a migration, and commit the result
#   queries.sh check      exit 1 when it is not what prepare would write
#
# The macros write what they learn of each query to SQLX_OFFLINE_DIR while they compile against a database, so our own
# crates must be compiled again. A compiler wrapper under a new name makes cargo do that, beside what is built already
# and with the same dependencies; touching the sources would throw everybody's builds away.
set -euo pipefail
# shellcheck source=local/stack/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

database=makegood_queries
url=$(database_url "$MAKEGOOD_TEST_DATABASE_URL" "$database")
found="$MAKEGOOD_STATE/queries"

# A database at the newest schema. A binary that knows an older one still serves: the new migrations come from the files,
# and all of them can be run again.
migrated_database() {
  local migration
  # On a machine that has built nothing yet, the cache does not have the queries that are new.
  [[ -x "${CARGO_TARGET_DIR:-$MAKEGOOD_ROOT/target}/debug/makegood" ]] ||
    (cd "$MAKEGOOD_ROOT" && SQLX_OFFLINE=true cargo build --bin makegood --quiet 2>/dev/null) || build_committed
  "$STACK_DIR/database.sh" "$database" --fresh
  for migration in "$MAKEGOOD_ROOT"/migrations/*.sql; do
    PGOPTIONS='-c client_min_messages=warning' "$PG_BIN/psql" -Xq --single-transaction -v ON_ERROR_STOP=1 "$url" -f "$migration" >/dev/null
  done
}

# The command as it was committed, with the cache that was committed.
build_committed() {
  local committed="$MAKEGOOD_STATE/committed"
  rm -rf "$committed" && git -C "$MAKEGOOD_ROOT" worktree prune && git -C "$MAKEGOOD_ROOT" worktree add --quiet --detach "$committed" HEAD
  (cd "$committed" && SQLX_OFFLINE=true CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$MAKEGOOD_ROOT/target}" cargo build --bin makegood)
  git -C "$MAKEGOOD_ROOT" worktree remove --force "$committed"
}

compile_against_it() {
  local wrapper="$MAKEGOOD_STATE/queries-rustc-$$" built="$MAKEGOOD_STATE/queries-built.json"
  rm -rf "$found" && mkdir -p "$found"
  # shellcheck disable=SC2016
  printf '#!/bin/sh\nexec "$@"\n' >"$wrapper" && chmod +x "$wrapper"
  # shellcheck disable=SC2064
  trap "rm -f '$wrapper' '$built'" EXIT
  cd "$MAKEGOOD_ROOT"
  SQLX_OFFLINE=false SQLX_OFFLINE_DIR="$found" DATABASE_URL="$url" CARGO_INCREMENTAL=0 RUSTC_WORKSPACE_WRAPPER="$wrapper" \
    cargo check --workspace --all-targets --quiet --message-format=json-render-diagnostics >"$built" || die "It does not compile (above)"
  # Under that wrapper's name no build will ask for our crates again.
  grep '"package_id":"path+file' "$built" | grep -oE '[^"]*\.rmeta' | xargs -r rm -f
}

case ${1:-} in
  prepare | check) ;;
  *) die "Type: queries.sh prepare, or queries.sh check" ;;
esac
"$STACK_DIR/start.sh" postgres
say "compiling every query against a freshly migrated database"
migrated_database
compile_against_it
python3 "$STACK_DIR/columns.py" "$url" "$PG_BIN/psql" $([[ $1 == prepare ]] || echo --check) || exit 1
if [[ $1 == prepare ]]; then
  mkdir -p "$MAKEGOOD_ROOT/.sqlx"
  rm -f "$MAKEGOOD_ROOT"/.sqlx/query-*.json
  cp "$found"/query-*.json "$MAKEGOOD_ROOT/.sqlx/"
  say "$(find "$MAKEGOOD_ROOT/.sqlx" -name 'query-*.json' | wc -l) queries are in .sqlx; commit them"
else
  diff -rq "$found" "$MAKEGOOD_ROOT/.sqlx" >&2 || die "The query cache is out of date. Type: local/stack/queries.sh prepare"
  say "the query cache is up to date"
fi
