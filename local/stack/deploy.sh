#!/usr/bin/env bash
# Builds the workspace once and deploys template.yaml as it is to the local stack, with `sam build` and `sam deploy`.
# What has not changed since the last time is skipped: the build by cargo, the packaging and the deployment by a stamp.
#
# Needs start.sh. Leaves the base URL that the local AWS gives the API in .local/api-url; people and their programs use
# MAKEGOOD_PUBLIC_URL (welcome.sh says why and how).
set -euo pipefail
# shellcheck source=local/stack/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
# shellcheck source=local/stack/servers.sh
source "$STACK_DIR/servers.sh"
cd "$MAKEGOOD_ROOT"

export SAM_CLI_TELEMETRY=0 SAM_CLI_POLL_DELAY=0.3
target="${CARGO_TARGET_DIR:-$MAKEGOOD_ROOT/target}"
packaged="$MAKEGOOD_STATE/packaged.yaml"
# Not in .aws-sam/build, from where `sam deploy` takes what `make build` made for AWS: these are debug binaries of this machine.
built="$MAKEGOOD_STATE/sam/build"
parameters=(
  "Architecture=$([[ $(uname -m) == aarch64 ]] && echo arm64 || echo x86_64)"
  "DatabaseUrl=$MAKEGOOD_LOCAL_DATABASE_URL"
  "DatabaseDirectUrl=$MAKEGOOD_LOCAL_DATABASE_DIRECT_URL"
  "RedisUrl=$MAKEGOOD_TEST_REDIS_URL"
  "AdminServiceUrl=$MAKEGOOD_ADMIN_URL"
  "RazorpayWebhookSecret=$RAZORPAY_WEBHOOK_SECRET"
  "RazorpayApiSecret=$RAZORPAY_API_SECRET"
  "RazorpayBaseUrl=$MAKEGOOD_GATEWAYS_URL"
  "StripeApiSecret=$STRIPE_API_SECRET"
  "StripeBaseUrl=$MAKEGOOD_GATEWAYS_URL/stripe"
  "ConfirmationSecret=$CONFIRMATION_SECRET"
  # As many at once as this machine can feed.
  "Scale=full"
  # The emulator refuses alarms with metric math.
  "Alarms=no"
  "Pipelines=both"
  "Stage=sandbox"
  "JwtIssuer=$MAKEGOOD_IDENTITY_URL"
  "JwtAudience=makegood-shop"
  "ConsoleIssuer=$MAKEGOOD_IDENTITY_URL"
  "ConsoleClientId=makegood-console"
  "SingleOperator=yes"
  "ConsoleSecret=of-this-machine-alone-and-never-deployed"
  "EsewaBaseUrl=$MAKEGOOD_GATEWAYS_URL"
  "EsewaProductCode=$ESEWA_PRODUCT_CODE"
  "EsewaSecret=$ESEWA_SECRET"
  "KhaltiBaseUrl=$MAKEGOOD_GATEWAYS_URL/api/v2"
  "KhaltiSecret=$KHALTI_SECRET"
  "PaymentReturnUrl=$MAKEGOOD_GATEWAYS_URL/shop"
  # One buyer of `make run` wants more than there is, and is to be short of it.
  "CheckoutBuyerPieces=0"
  # All buyers of this machine have its one address.
  "CheckoutAddressIntents=0"
  "CheckoutAddressPieces=0"
  "VerifyRequestsPerMinute=0"
)

# Another name for other values: without it aliases keep the old ones (template.yaml says why).
parameters+=("Release=$(printf '%s\n' "${parameters[@]}" | sha256sum | cut -c1-12)")

printf '%s\n' "${parameters[@]}" >"$MAKEGOOD_STATE/parameters"

functions() { sed -nE 's/.*BuildProperties: \{Binary: ([a-z-]+)\}.*/\1/p' template.yaml; }

# Cargo writes a binary only when it has changed, so its size and time say enough.
content_stamp() {
  cat template.yaml samconfig.toml "${BASH_SOURCE[0]}"
  functions | while read -r name; do stat -c '%n %s %.9Y' "$target/debug/$name"; done
}
# The emulator keeps what is deployed in memory: with another process it is gone.
deployed_stamp() {
  cat "$packaged"
  printf '%s\n' "${parameters[@]}" "$(pid_of ministack)"
}
fresh() { [[ -e "$2" ]] && cmp -s <("$1" | sha256sum) "$2"; }
stamp() { "$1" | sha256sum >"$2"; }

quietly() {
  local log="$MAKEGOOD_STATE/sam.log"
  PATH="$STACK_DIR/bridges:$SAM_VENV/bin:$PATH" "$@" >"$log" 2>&1 ||
    { tail -30 "$log" >&2; die "$1 $2 failed (whole output: $log)"; }
}

package() {
  say "packaging the functions (sam build, sam package)"
  quietly sam build --config-env local --no-cached --build-dir "$built"
  curl -fs -o /dev/null --head "$AWS_ENDPOINT_URL/makegood-local" || curl -fsS -o /dev/null -X PUT "$AWS_ENDPOINT_URL/makegood-local"
  quietly sam package --config-file "$MAKEGOOD_ROOT/samconfig.toml" --config-env local --template-file "$built/template.yaml" --output-template-file "$packaged"
}

deploy() {
  say "deploying the stack (sam deploy)"
  rm -f "$MAKEGOOD_STATE/deployed.stamp"
  quietly sam deploy --config-file "$MAKEGOOD_ROOT/samconfig.toml" --config-env local --template-file "$packaged" --parameter-overrides "${parameters[@]}"
}

# The stack's own output, by the path that needs no name: *.localhost resolves only on some machines.
api_url() {
  local url
  url=$(curl -fsS "$AWS_ENDPOINT_URL/?Action=DescribeStacks&StackName=makegood-local" |
    sed -nE 's#.*<OutputKey>ApiUrl</OutputKey><OutputValue>([^<]*)<.*#\1#p')
  [[ -n "$url" ]] || die "The stack makegood-local has no output ApiUrl"
  if [[ -n "${MAKEGOOD_AWS_ENDPOINT_URL:-}" ]]; then
    echo "$url"
  else
    url=${url#*://}
    echo "$AWS_ENDPOINT_URL/_aws/execute-api/${url%%.*}"
  fi
}

say "building the workspace (cargo build; minutes the first time, then seconds)"
# Where the tests have built the same binaries with Kafka, .ci/run says so here: they are not built a second time without it.
# shellcheck disable=SC2086
cargo build --workspace --bins ${MAKEGOOD_FEATURES:+--features $MAKEGOOD_FEATURES}
"$STACK_DIR/database.sh" makegood_local
if ! fresh content_stamp "$MAKEGOOD_STATE/packaged.stamp"; then
  package
  stamp content_stamp "$MAKEGOOD_STATE/packaged.stamp"
fi
if [[ -n "${MAKEGOOD_AWS_ENDPOINT_URL:-}" ]] || ! fresh deployed_stamp "$MAKEGOOD_STATE/deployed.stamp"; then
  deploy
  stamp deployed_stamp "$MAKEGOOD_STATE/deployed.stamp"
fi
api_url >"$MAKEGOOD_STATE/api-url"
say "deployed; the outside of the stack runs beside it (admin service, gateways, identity provider, the address of the API)"
"$target/debug/makegood-local" up
