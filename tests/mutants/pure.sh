#!/usr/bin/env bash
# Changes the pure modules (.cargo/mutants.toml), one expression at a time, and sees whether a unit test notices.
#
#   pure.sh                              all of them: hours
#   pure.sh --shard 0/8                  an eighth
#   pure.sh --re src/ids.rs              one module: a regular expression over the names that --list prints
#
# What was not noticed is in .local/mutants/pure/mutants.out/missed.txt. Unit tests only: no server runs.
set -euo pipefail
# shellcheck source=local/stack/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../local/stack/env.sh"
cd "$MAKEGOOD_ROOT"

VERSION=27.1.0
out=$MAKEGOOD_STATE/mutants/pure
if ! command -v cargo-mutants >/dev/null; then
  say "installing cargo-mutants (minutes, once)"
  CARGO_TARGET_DIR="$MAKEGOOD_STATE/build/tools" cargo install cargo-mutants --version "$VERSION" --locked --debug --quiet --root "$MAKEGOOD_STATE"
  strip "$MAKEGOOD_STATE/bin/cargo-mutants"
  rm -rf "$MAKEGOOD_STATE/build/tools"
fi
mkdir -p "$out"
# Each mutant compiles one crate again: what stays of it is kept between them.
unset CARGO_TARGET_DIR
CARGO_INCREMENTAL=1 cargo mutants --package makegood --output "$out" --no-shuffle --colors never "$@"
