#!/usr/bin/env bash
# What comes in with the dependencies: licences, bans and sources (deny.toml), crates that are no longer used, and known
# vulnerabilities.
#
#   supply_chain.sh            what can be checked here; what can't be is said, and does not pass as checked
#   supply_chain.sh --strict   the same, and an advisory database that can't be had is a failure: for a pipeline that reaches it
#
# The advisory database is a git repository, RustSec's by default; MAKEGOOD_ADVISORY_DB names another one, such as a mirror or a
# clone on this machine. The tools are built once, from crates.io, into .local/bin.
set -euo pipefail
# shellcheck source=local/stack/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$MAKEGOOD_ROOT"

RUSTSEC=https://github.com/RustSec/advisory-db
strict=false
[[ "${1:-}" != --strict ]] || strict=true

# Without optimization: they are built in a third of the time, and run for seconds.
install_tool() {
  command -v "$1" >/dev/null && return 0
  say "installing $1 (minutes, once)"
  CARGO_TARGET_DIR="$MAKEGOOD_STATE/build/tools" cargo install "$1" --version "$2" --locked --debug --quiet --root "$MAKEGOOD_STATE"
  strip "$MAKEGOOD_STATE/bin/$1"
}

advisories() {
  local log="$MAKEGOOD_STATE/advisories.log"
  if [[ -n "${MAKEGOOD_ADVISORY_DB:-}" ]]; then
    # cargo-deny fetches with git, which looks at the mirror instead.
    export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="url.$MAKEGOOD_ADVISORY_DB.insteadOf" GIT_CONFIG_VALUE_0="$RUSTSEC"
  fi
  if ! timeout 120 cargo-deny fetch db >"$log" 2>&1; then
    printf '\033[33m! NOT CHECKED: known vulnerabilities. The advisory database was not reached (%s).\n' "$log" >&2
    printf '  Run local/stack/supply_chain.sh where it is, or give a mirror in MAKEGOOD_ADVISORY_DB.\033[0m\n' >&2
    ! $strict
    return
  fi
  cargo-deny --offline check advisories
}

install_tool cargo-machete 0.9.2
install_tool cargo-deny 0.20.2
rm -rf "$MAKEGOOD_STATE/build/tools"
# What no build has needed yet, such as another machine's crates: cargo-deny looks at all of them, without the network.
cargo fetch --locked --quiet
say "dependencies that are not used (cargo-machete)"
cargo-machete --skip-target-dir
say "licences, bans and sources (cargo-deny)"
cargo-deny --offline check licenses bans sources
say "known vulnerabilities (cargo-deny)"
advisories
