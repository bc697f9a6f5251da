#!/usr/bin/env bash
# `makegood doctor` over a healthy database of a million purchases (issue 4: nothing found, within 10 s), through the pooler.
#
#   benches/doctor.sh [PURCHASES]      1000000 unless given; seeding a million takes some minutes
#
# Exit code: 1 when it finds anything, or takes longer than the ten seconds in the best of three readings.
set -euo pipefail
# shellcheck source=local/stack/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/../local/stack/env.sh"

purchases=${1:-1000000}
limit_millis=10000
database=makegood_doctor_bench
direct=$(database_url "$MAKEGOOD_TEST_DATABASE_URL" "$database")
makegood=${MAKEGOOD_BINARY:-$MAKEGOOD_ROOT/target/debug/makegood}

"$STACK_DIR/start.sh" postgres pgbouncer
"$STACK_DIR/database.sh" "$database" --fresh
say "seeding $purchases purchases with seven sessions each, and $((purchases / 10)) orders"
{ echo "SET seed.purchases = $purchases;"; cat "$MAKEGOOD_ROOT/tests/fixtures/healthy.sql"; echo "VACUUM ANALYZE;"; } |
  "$PG_BIN/psql" -Xq -v ON_ERROR_STOP=1 "$direct"

best=
for _ in 1 2 3; do
  answer=$(DATABASE_URL=$(database_url "$MAKEGOOD_TEST_POOLER_URL" "$database") "$makegood" doctor --json) ||
    { echo "$answer"; die "The doctor found something in a healthy database (above)"; }
  millis=$(sed -nE 's/^ *"millis": ([0-9]+),?$/\1/p' <<<"$answer")
  say "read in $millis ms"
  [[ -n "$best" && $best -le $millis ]] || best=$millis
done
"$PG_BIN/psql" -Xq "$MAKEGOOD_TEST_DATABASE_URL" -c "DROP DATABASE $database WITH (FORCE)"
((best <= limit_millis)) || die "The best of three readings took $best ms; the limit is $limit_millis ms"
say "$purchases healthy purchases: nothing found, $best ms (best of three)"
