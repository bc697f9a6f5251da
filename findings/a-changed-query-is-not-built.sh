#!/usr/bin/env bash
# sqlx's macros for queries in files tell cargo of the file only where they read rows into a type: after a change of any other, cargo goes
# on with the program of before.
#
# Versions   crates.io sqlx 0.9.0 with its macros, offline; the cargo of this machine
# Guess      each macro whose query is in a file has the crate built again when the file changes, as `include_str!` does
# Seen       `query_file_as!`, and `query_file!` of a query with columns: yes. `query_file_scalar!`, and `query_file!` of a statement that
#            gives back nothing (UPDATE, DELETE): the file is not among what the crate depends on. After its text was changed to a query
#            that the offline data does not know, `cargo build` says "Finished"; once a source file is touched it fails, as it should.
# So         a statement is corrected, the build is quick, the tests are green, and they ran the one of before. A fresh build of CI runs
#            the other. A build script with `cargo::rerun-if-changed=src` closes the gap.
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir -p src .sqlx
cat >Cargo.toml <<'TOML'
[package]
name = "shop"
version = "0.1.0"
edition = "2024"

[dependencies]
sqlx = { version = "=0.9.0", default-features = false, features = ["runtime-tokio", "postgres", "macros"] }
TOML
# What `cargo sqlx prepare` writes for each query.
prepared() {
  local columns='[]' nullable='[]' hash
  [[ $2 == none ]] || columns='[{"ordinal": 0, "name": "id!", "type_info": "Int4"}]' nullable='[null]'
  printf '%s' "$1" >"src/$3.sql"
  hash=$(sha256sum "src/$3.sql" | cut -d' ' -f1)
  printf '{"db_name": "PostgreSQL", "query": "%s", "describe": {"columns": %s, "parameters": {"Left": []}, "nullable": %s}, "hash": "%s"}' \
    "${1//\"/\\\"}" "$columns" "$nullable" "$hash" >".sqlx/query-$hash.json"
}
prepared 'SELECT 1 AS "id!"' one typed
prepared 'SELECT 2 AS "id!"' one record
prepared 'SELECT 3 AS "id!"' one scalar
prepared 'DELETE FROM paid' none done
cat >src/lib.rs <<'RUST'
pub struct Row { pub id: i32 }
pub async fn all(pool: &sqlx::PgPool) -> Result<(i32, i32, i32), sqlx::Error> {
    let typed = sqlx::query_file_as!(Row, "src/typed.sql").fetch_one(pool).await?;
    let record = sqlx::query_file!("src/record.sql").fetch_one(pool).await?;
    let scalar = sqlx::query_file_scalar!("src/scalar.sql").fetch_one(pool).await?;
    sqlx::query_file!("src/done.sql").execute(pool).await?;
    Ok((typed.id, record.id, scalar))
}
RUST
export SQLX_OFFLINE=true CARGO_TARGET_DIR="$work/target" CARGO_TERM_COLOR=never
cargo build --quiet
built() { if grep -qE "/src/$1\.sql" target/debug/deps/shop-*.d; then echo "depends on it"; else echo "does not depend on it"; fi; }
after_a_change() {
  local answer
  # A query that was never prepared: whoever compiles it refuses it.
  printf 'SELECT 4 AS "id!"' >"src/$1.sql"
  answer=$(cargo build 2>&1 | grep -oE 'Finished|no cached data' | tail -1)
  echo "$answer"
}
seen=$(
  for query in typed record scalar done; do echo "$query.sql: the crate $(built $query)"; done
  echo "scalar.sql was changed: $(after_a_change scalar)"
  touch src/lib.rs
  echo "and a source file touched: $(after_a_change scalar)"
)
echo "$seen"
[[ "$seen" == "typed.sql: the crate depends on it
record.sql: the crate depends on it
scalar.sql: the crate does not depend on it
done.sql: the crate does not depend on it
scalar.sql was changed: Finished
and a source file touched: no cached data" ]] || { echo "The behaviour has changed." >&2; exit 1; }
