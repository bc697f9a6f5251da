#!/usr/bin/env bash
# What is published is tried with the tools of those who read it: ajv, json-schema-to-typescript and tsc, quicktype, and
# datamodel-code-generator read events/schema. Types that they make must compile with every sample, and must lose nothing.
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

say "docs/openapi.json (redocly) and docs/asyncapi.json (@asyncapi/parser)"
documents
say "schemas and samples"
node "$here/validate.mjs"
say "types made of the schemas"
generated_types
round_trip
if [[ ${1:-} == --all ]]; then
  say "the programs of docs/integrate.md, in every language"
  MAKEGOOD_ALL_LANGUAGES=yes cargo nextest run --workspace --features "${MAKEGOOD_FEATURES:-makegood-tests/kafka}" \
    -E 'package(makegood-tests) & binary(contract) & test(integrate::)'
fi
python3 "$STACK_DIR/tried.py" schema-tools
