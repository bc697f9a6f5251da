#!/usr/bin/env bash
# What is published is tried with the tools of those who read it: ajv, json-schema-to-typescript and tsc, quicktype, and
# datamodel-code-generator read events/schema. Types that they make must compile with every sample, and must lose nothing.
# And Razorpay's own SDKs speak to the local stub of Razorpay, so that what Makegood is tested with is what merchants know.
#
#   contracts.sh         the tools of npm and PyPI, and Go where it is installed
#   contracts.sh --all   the same, and Go and PHP are installed from Debian first (half a gigabyte)
set -euo pipefail
# shellcheck source=local/stack/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$MAKEGOOD_ROOT"

case ${1:-} in
  "") "$STACK_DIR/install.sh" contracts ;;
  --all) "$STACK_DIR/install.sh" contracts-all ;;
  *) die "Type: contracts.sh, or contracts.sh --all" ;;
esac
export CONTRACTS_MODULES="$MAKEGOOD_STATE/contracts/node_modules"
venv="$MAKEGOOD_STATE/venv/contracts/bin" here=tests/contract/generated out="$MAKEGOOD_STATE/contracts/out"
export PATH="$CONTRACTS_MODULES/.bin:$PATH" REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true

generated_types() {
  local topic schema
  rm -rf "$out"
  mkdir -p "$out/pydantic_models"
  node "$here/generate.mjs" "$out"
  tsc --noEmit --strict --exactOptionalPropertyTypes --target es2022 --skipLibCheck "$out"/ts/*.ts
  tsc --noEmit --strict --target es2022 --skipLibCheck "$out"/quicktype_ts/*.ts
  echo "  json-schema-to-typescript, quicktype (TypeScript): compiled with the samples"
  for schema in events/schema/*.schema.json; do
    topic=$(basename "$schema" .schema.json)
    PYTHONWARNINGS=ignore::FutureWarning "$venv/datamodel-codegen" --input "$schema" --input-file-type jsonschema --output-model-type pydantic_v2.BaseModel \
      --target-python-version 3.11 --disable-timestamp --output "$out/pydantic_models/${topic//-/_}.py"
  done
}

round_trip() {
  local went=()
  if command -v go >/dev/null; then
    (cd "$out/go" && GOFLAGS=-mod=mod GOCACHE="$MAKEGOOD_STATE/contracts/go" go run . "$out/samples" >"$out/go.txt")
    went=("$out/go.txt")
  else
    say "not tried: quicktype's Go, for want of a Go toolchain (make contracts ARGS=--all installs it)"
  fi
  "$venv/python" "$here/round_trip.py" "$out" "${went[@]}"
}

documents() {
  redocly lint --config "$here/redocly.yaml" --format stylish docs/openapi.json
  node "$here/asyncapi.mjs"
}

gateway_sdks() {
  local port stub
  cargo build --quiet --workspace --bin makegood-local --features "${MAKEGOOD_FEATURES:-makegood-tests/kafka}"
  port=$(python3 -c 'import socket; free = socket.create_server(("127.0.0.1", 0)); print(free.getsockname()[1])')
  export MAKEGOOD_GATEWAYS_URL="http://127.0.0.1:$port"
  MAKEGOOD_GATEWAYS_PORT=$port "${CARGO_TARGET_DIR:-target}/debug/makegood-local" serve gateways &
  stub=$!
  # shellcheck disable=SC2064
  trap "kill $stub 2>/dev/null || true" EXIT
  curl --silent --fail --retry 50 --retry-delay 1 --retry-connrefused --output /dev/null "$MAKEGOOD_GATEWAYS_URL/_control"
  node "$here/gateway_sdks.mjs"
  "$venv/python" "$here/gateway_sdks.py"
}

say "docs/openapi.json (redocly) and docs/asyncapi.json (@asyncapi/parser)"
documents
say "schemas and samples"
node "$here/validate.mjs"
say "types made of the schemas"
generated_types
round_trip
say "the gateways' SDKs, with the local stub"
gateway_sdks
if [[ ${1:-} == --all ]]; then
  say "the programs of docs/integrate.md, in every language"
  MAKEGOOD_ALL_LANGUAGES=yes cargo nextest run --workspace --features "${MAKEGOOD_FEATURES:-makegood-tests/kafka}" \
    -E 'package(makegood-tests) & binary(contract) & test(integrate::)'
fi
python3 "$STACK_DIR/tried.py" contracts
