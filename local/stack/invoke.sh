#!/usr/bin/env bash
# make invoke: one function, on this machine, with one sample event, in the environment that the template gives it.
#
#   invoke.sh <function> <event file> [NAME=value …]   the function's own answer on stdout, its log on stderr;
#                                                      NAME=value changes its environment
#   invoke.sh --all                                    every function with every sample event of its own
#
# With a Docker engine it is `sam local invoke`; without one, the runtime emulator that ships inside SAM CLI runs the same
# binary. Both take the function's variables from what is deployed to the local stack, which is started when it is not there.
# Exit code: 0 the function answered; 1 it failed, or its HTTP answer is a 5xx.
set -euo pipefail
# shellcheck source=local/stack/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$MAKEGOOD_ROOT"

target="${CARGO_TARGET_DIR:-$MAKEGOOD_ROOT/target}"
work="$MAKEGOOD_STATE/invoke"
emulator_port=$((MAKEGOOD_PORT_BASE + 8)) runtime_port=$((MAKEGOOD_PORT_BASE + 9))

functions() { sed -nE 's/.*BuildProperties: \{Binary: ([a-z-]+)\}.*/\1/p' template.yaml | sort; }
samples_of() { compgen -G "events/$1.*json" || compgen -G "events/$1.json" || true; }

usage() {
  say "make invoke FUNCTION=<function> EVENT=<file> [SET=\"NAME=value …\"]"
  local function
  for function in $(functions); do printf '  %-22s %s\n' "$function" "$(samples_of "$function" | tr '\n' ' ')" >&2; done
  die "$1"
}

has_docker() { command -v docker >/dev/null && docker info >/dev/null 2>&1; }

# The function's variables as the local stack has them, NAME=value with a NUL behind each.
deployed_variables() {
  local url="$AWS_ENDPOINT_URL/2015-03-31/functions/makegood-local-$1/configuration"
  curl -fsS "$url" | "$SAM_VENV/bin/python" -c '
import json, sys
for name, value in json.load(sys.stdin).get("Environment", {}).get("Variables", {}).items():
    sys.stdout.write(f"{name}={value}\0")'
}

# What Lambda sets besides.
lambda_variables() {
  printf '%s\0' "AWS_LAMBDA_FUNCTION_NAME=$1" "AWS_LAMBDA_FUNCTION_VERSION=\$LATEST" "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256" \
    "AWS_LAMBDA_FUNCTION_TIMEOUT=60" "AWS_ENDPOINT_URL=$AWS_ENDPOINT_URL" "AWS_REGION=$AWS_REGION" \
    "AWS_ACCESS_KEY_ID=$AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY=$AWS_SECRET_ACCESS_KEY" AWS_EC2_METADATA_DISABLED=true
}

# Starts the emulator around a function's binary; its process id is left in $emulator.
start_emulator() {
  local function=$1 rie variables tenths
  shift
  rie=$(compgen -G "$SAM_VENV/lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-$([[ $(uname -m) == aarch64 ]] && echo arm64 || echo x86_64)")
  mapfile -d '' -t variables < <(lambda_variables "$function"; deployed_variables "$function")
  env -i PATH="$PATH" HOME="$work" "${variables[@]}" "$@" \
    setsid "$rie" --runtime-interface-emulator-address "127.0.0.1:$emulator_port" --runtime-api-address "127.0.0.1:$runtime_port" \
    "$target/debug/$function" </dev/null >"$work/$function.log" 2>&1 &
  emulator=$!
  for ((tenths = 0; tenths < 100; tenths++)); do
    (exec 3<>"/dev/tcp/127.0.0.1/$emulator_port") 2>/dev/null && return 0
    sleep 0.1
  done
  cat "$work/$function.log" >&2
  die "The runtime emulator does not answer on port $emulator_port"
}

stop_emulator() {
  [[ -n "${emulator:-}" ]] || return 0
  kill -- "-$emulator" 2>/dev/null || true
  wait "$emulator" 2>/dev/null || true
  emulator=""
}

# One event through the emulator, which takes one at a time.
emulate() {
  local function=$1 event=$2
  curl -sS --max-time 90 -d "@$event" "http://127.0.0.1:$emulator_port/2015-03-31/functions/function/invocations" >"$work/answer"
}

# One event through `sam local invoke`, in a container of Lambda's own image.
in_docker() {
  local function=$1 event=$2 logical_id
  shift 2
  logical_id=$(grep -B30 -F "BuildProperties: {Binary: $function}" template.yaml | grep -oE '^  [A-Za-z]+:$' | tail -1 | tr -d ' :')
  { deployed_variables "$function"; printf '%s\0' "AWS_ENDPOINT_URL=$AWS_ENDPOINT_URL" "$@"; } |
    "$SAM_VENV/bin/python" -c '
import json, sys
pairs = [pair.split("=", 1) for pair in sys.stdin.read().split("\0") if pair]
json.dump({"Parameters": dict(pairs)}, sys.stdout)' >"$work/variables.json"
  SAM_CLI_TELEMETRY=0 "$SAM_VENV/bin/sam" local invoke "$logical_id" --template "$MAKEGOOD_STATE/sam/build/template.yaml" --event "$event" \
    --env-vars "$work/variables.json" --docker-network host >"$work/answer" 2>"$work/$function.log"
}

# Whether the answer is one: JSON, no error of the function, no 5xx.
answered() {
  "$SAM_VENV/bin/python" - "$work/answer" <<'PY'
import json, sys
# A function that died, at its start or later, leaves nothing at all.
try:
    answer = json.loads(open(sys.argv[1]).read())
except ValueError:
    sys.exit(1)
fields = answer if isinstance(answer, dict) else {}
sys.exit(1 if "errorType" in fields or int(fields.get("statusCode", 200)) >= 500 else 0)
PY
}

ready() {
  mkdir -p "$work"
  "$STACK_DIR/install.sh"
  "$STACK_DIR/start.sh"
  "$STACK_DIR/deploy.sh"
}

invoke_one() {
  local function=$1 event=$2
  shift 2
  if has_docker; then
    in_docker "$function" "$event" "$@"
  else
    start_emulator "$function" "$@"
    emulate "$function" "$event"
    stop_emulator
  fi
}

invoke_all() {
  local function event failed=0
  for function in $(functions); do
    if [[ -z "$(samples_of "$function")" ]]; then
      printf '✗ %s has no sample event in events/\n' "$function" && failed=1
      continue
    fi
    has_docker || start_emulator "$function"
    for event in $(samples_of "$function"); do
      if has_docker; then in_docker "$function" "$event" || true; else emulate "$function" "$event" || true; fi
      if answered; then
        printf '✓ %-22s %s\n' "$function" "$event"
      else
        printf '✗ %-22s %s: %s\n' "$function" "$event" "$(head -c 300 "$work/answer")" && failed=1
      fi
    done
    stop_emulator
  done
  return $failed
}

trap stop_emulator EXIT
if [[ "${1:-}" == --all ]]; then
  ready
  invoke_all
  exit
fi
(($# >= 2)) || usage "Give a function and an event."
functions | grep -qxF -- "$1" || usage "The template has no function $1."
[[ -r "$2" ]] || usage "$2 can't be read."
ready
invoke_one "$@"
cat "$work/$1.log" >&2
cat "$work/answer" && echo
answered
