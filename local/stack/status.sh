#!/usr/bin/env bash
# Says which of our servers run and under which URLs everything is reached.
set -euo pipefail
# shellcheck source=local/stack/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
# shellcheck source=local/stack/servers.sh
source "$STACK_DIR/servers.sh"

for server in $(chosen_servers); do
  if running "$server"; then state="runs, process $(pid_of "$server")"; else state="stopped"; fi
  printf '%-14s port %s  %s\n' "$server" "$(port_of "$server")" "$state"
done
echo
printf '%-28s %s\n' \
  MAKEGOOD_TEST_DATABASE_URL "$MAKEGOOD_TEST_DATABASE_URL" \
  MAKEGOOD_TEST_POOLER_URL "$MAKEGOOD_TEST_POOLER_URL" \
  MAKEGOOD_TEST_REDIS_URL "$MAKEGOOD_TEST_REDIS_URL" \
  AWS_ENDPOINT_URL "$AWS_ENDPOINT_URL" \
  MAKEGOOD_GATEWAYS_URL "$MAKEGOOD_GATEWAYS_URL" \
  MAKEGOOD_IDENTITY_URL "$MAKEGOOD_IDENTITY_URL" \
  MAKEGOOD_PUBLIC_URL "$MAKEGOOD_PUBLIC_URL" \
  MAKEGOOD_API_URL "$(cat "$MAKEGOOD_STATE/api-url" 2>/dev/null || echo '(not deployed)')"
