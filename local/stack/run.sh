#!/usr/bin/env bash
# make run: installs, starts, deploys, then sends payments with makegood-local and leaves with its exit code.
# Everything is stopped at the end, also on Ctrl-C, unless --keep is among the arguments.
set -euo pipefail
# shellcheck source=local/stack/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$MAKEGOOD_ROOT"

keep=false
for argument in "$@"; do [[ "$argument" != --keep ]] || keep=true; done
finish() {
  if $keep; then
    say "the stack stays up; stop it with: make stop"
    [[ ! -e "$MAKEGOOD_STATE/api-url" ]] || "$STACK_DIR/welcome.sh"
  else
    "$STACK_DIR/stop.sh"
  fi
}
trap finish EXIT
# Ctrl-C reaches makegood-local too, which ends by itself; this shell goes on to finish.
trap 'exit 130' INT TERM

"$STACK_DIR/install.sh"
"$STACK_DIR/start.sh"
"$STACK_DIR/deploy.sh"
MAKEGOOD_API_URL=$(cat "$MAKEGOOD_STATE/api-url")
export MAKEGOOD_API_URL
"${CARGO_TARGET_DIR:-target}/debug/makegood-local" run "$@"
