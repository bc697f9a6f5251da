#!/usr/bin/env bash
# Makes sure of a migrated database, with the makegood binary of this build.
#
#   database.sh NAME            creates it unless it is there, then migrates it
#   database.sh NAME --fresh    drops it first
#   database.sh --drop-tests    drops what failed tests left behind
set -euo pipefail
# shellcheck source=local/stack/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

name=${1:?the name of a database, or --drop-tests}
on_server() { "$PG_BIN/psql" -XqtA -v ON_ERROR_STOP=1 "$MAKEGOOD_TEST_DATABASE_URL" "$@"; }

if [[ "$name" == --drop-tests ]]; then
  # A database whose folder is gone is dropped with a warning.
  on_server -c "SELECT format('DROP DATABASE %I WITH (FORCE);', datname) FROM pg_database WHERE datname LIKE 'makegood\_test\_%'" |
    PGOPTIONS='-c client_min_messages=error' on_server
  exit
fi

[[ "${2:-}" != --fresh ]] || PGOPTIONS='-c client_min_messages=warning' on_server -c "DROP DATABASE IF EXISTS \"$name\" WITH (FORCE)"
[[ $(on_server -c "SELECT count(*) FROM pg_database WHERE datname = '$name'") == 1 ]] ||
  on_server -c "CREATE DATABASE \"$name\""

# The newest of the profiles' binaries: benches build with another than tests.
target="${CARGO_TARGET_DIR:-$MAKEGOOD_ROOT/target}"
makegood=$(find "$target/debug/makegood" "$target/release/makegood" -printf '%T@ %p\n' 2>/dev/null | sort -n | tail -1 | cut -d' ' -f2- || true)
[[ -x "$makegood" ]] || die "There is no binary of makegood yet. Type: cargo build --workspace --bins"
log="$MAKEGOOD_STATE/migrate-$name.log"
# A pooler can't carry the migrator's session lock, so this is the direct URL.
DATABASE_URL=$(database_url "$MAKEGOOD_TEST_DATABASE_URL" "$name") "$makegood" migrate >"$log" 2>&1 ||
  { cat "$log" >&2; die "The migrations of $name failed (above; also in $log)"; }
