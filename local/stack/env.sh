# shellcheck shell=bash
# Where the local stack lives: paths, ports and URLs. Sourced, never run; sourcing it twice is harmless.
#
# Everything can be set from outside. To use servers that this machine already offers (the template takes no database elsewhere), set
#   MAKEGOOD_POSTGRES_URL     a direct connection as a superuser, postgres://user:password@host:port/postgres
#   MAKEGOOD_POOLER_URL       a pooler in transaction mode in front of it (else our own PgBouncer is put there)
#   MAKEGOOD_REDIS_URL        redis://host:port
#   MAKEGOOD_AWS_ENDPOINT_URL an AWS endpoint that can run functions
# and start.sh leaves out the server of that name.

STACK_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
MAKEGOOD_ROOT=$(cd "$STACK_DIR/../.." && pwd)
export STACK_DIR MAKEGOOD_ROOT
export MAKEGOOD_STATE="${MAKEGOOD_STATE:-$MAKEGOOD_ROOT/.local}"
export SAM_VENV="$MAKEGOOD_STATE/venv/sam" MINISTACK_VENV="$MAKEGOOD_STATE/venv/ministack"
# The broker and the Kafka clients that the tests write with: those of PyPI, and those of npm.
export KAFKA_VENV="$MAKEGOOD_STATE/venv/kafka" KAFKA_MODULES="$MAKEGOOD_STATE/kafka/node_modules"

# Ten ports of its own for each clone, below the ephemeral range, so that two clones on one machine never meet.
if [[ -z "${MAKEGOOD_PORT_BASE:-}" ]]; then
  MAKEGOOD_PORT_BASE=$((20000 + $(printf %s "$MAKEGOOD_STATE" | cksum | cut -d' ' -f1) % 1000 * 10))
fi
export MAKEGOOD_PORT_BASE
export MAKEGOOD_API_PORT="${MAKEGOOD_API_PORT:-$MAKEGOOD_PORT_BASE}"
export MAKEGOOD_POSTGRES_PORT="${MAKEGOOD_POSTGRES_PORT:-$((MAKEGOOD_PORT_BASE + 1))}"
export MAKEGOOD_PGBOUNCER_PORT="${MAKEGOOD_PGBOUNCER_PORT:-$((MAKEGOOD_PORT_BASE + 2))}"
export MAKEGOOD_REDIS_PORT="${MAKEGOOD_REDIS_PORT:-$((MAKEGOOD_PORT_BASE + 3))}"
export MAKEGOOD_AWS_PORT="${MAKEGOOD_AWS_PORT:-$((MAKEGOOD_PORT_BASE + 4))}"
export MAKEGOOD_ADMIN_PORT="${MAKEGOOD_ADMIN_PORT:-$((MAKEGOOD_PORT_BASE + 5))}"
export MAKEGOOD_GATEWAYS_PORT="${MAKEGOOD_GATEWAYS_PORT:-$((MAKEGOOD_PORT_BASE + 6))}"
export MAKEGOOD_IDENTITY_PORT="${MAKEGOOD_IDENTITY_PORT:-$((MAKEGOOD_PORT_BASE + 7))}"

# $1 with its database name replaced by $2.
database_url() {
  local base=${1%%\?*} query=""
  [[ "$1" == *\?* ]] && query="?${1#*\?}"
  printf '%s/%s%s\n' "$(sed -E 's#^(postgres(ql)?://[^/]*).*#\1#' <<<"$base")" "$2" "$query"
}

# What the tests are told.
export MAKEGOOD_TEST_DATABASE_URL="${MAKEGOOD_POSTGRES_URL:-postgres://makegood@127.0.0.1:$MAKEGOOD_POSTGRES_PORT/postgres}"
pooler_login=$(sed -nE 's#^postgres(ql)?://([^@/]*@)?.*#\2#p' <<<"$MAKEGOOD_TEST_DATABASE_URL")
export MAKEGOOD_TEST_POOLER_URL="${MAKEGOOD_POOLER_URL:-postgres://${pooler_login}127.0.0.1:$MAKEGOOD_PGBOUNCER_PORT/postgres}"
unset pooler_login
# The cache server to start: Redis, or one that speaks as it does.
export CACHE_SERVER="${CACHE_SERVER:-redis-server}"
export MAKEGOOD_TEST_REDIS_URL="${MAKEGOOD_REDIS_URL:-redis://127.0.0.1:$MAKEGOOD_REDIS_PORT}"
export MAKEGOOD_TEMPLATE_DATABASE=makegood_template
# Empty when the server is not ours: then its log can't be read.
if [[ -n "${MAKEGOOD_POSTGRES_URL:-}" ]]; then
  export MAKEGOOD_POSTGRES_LOG="${MAKEGOOD_POSTGRES_LOG:-}"
else
  export MAKEGOOD_POSTGRES_LOG="$MAKEGOOD_STATE/postgres.log"
fi

# Where the databases of tests are, each for one test: in memory. ext4 does not give the number of a deleted file to a new one for
# minutes, and looks through all of them for each file that is made; a database has three hundred. Without such a file system of at
# least six gigabytes (the largest tests fill one; a container often has 64 megabytes), or with a server that is not ours, they
# are where all databases are.
MAKEGOOD_SCRATCH=""
if [[ -z "${MAKEGOOD_POSTGRES_URL:-}" && -w /dev/shm && "$(stat --file-system --format=%T /dev/shm 2>/dev/null)" == tmpfs ]] &&
  (($(df --output=size --block-size=1G /dev/shm | tail -1) >= 6)); then
  MAKEGOOD_SCRATCH="/dev/shm/makegood-$UID-$(printf %s "$MAKEGOOD_STATE" | cksum | cut -d' ' -f1)"
fi
export MAKEGOOD_SCRATCH
export MAKEGOOD_TEST_TABLESPACE="${MAKEGOOD_SCRATCH:+makegood_scratch}"

# What sqlx's macros look at when they are not offline (queries.sh).
MAKEGOOD_DEV_DATABASE_URL=$(database_url "$MAKEGOOD_TEST_DATABASE_URL" makegood_dev)
export MAKEGOOD_DEV_DATABASE_URL
export DATABASE_URL="$MAKEGOOD_DEV_DATABASE_URL"
# The committed query cache is what builds go by; queries.sh alone asks the database.
export SQLX_OFFLINE="${SQLX_OFFLINE:-true}"

# What the running system is told.
MAKEGOOD_LOCAL_DATABASE_DIRECT_URL=$(database_url "$MAKEGOOD_TEST_DATABASE_URL" makegood_local)
MAKEGOOD_LOCAL_DATABASE_URL=$(database_url "$MAKEGOOD_TEST_POOLER_URL" makegood_local)
export MAKEGOOD_LOCAL_DATABASE_DIRECT_URL MAKEGOOD_LOCAL_DATABASE_URL
# The API and the console, for people and their programs; the functions' own traffic goes straight to the local AWS.
export MAKEGOOD_PUBLIC_URL="http://127.0.0.1:$MAKEGOOD_API_PORT"
export MAKEGOOD_ADMIN_URL="http://127.0.0.1:$MAKEGOOD_ADMIN_PORT"
export MAKEGOOD_GATEWAYS_URL="http://127.0.0.1:$MAKEGOOD_GATEWAYS_PORT"
export MAKEGOOD_IDENTITY_URL="http://127.0.0.1:$MAKEGOOD_IDENTITY_PORT"

# eSewa's public sandbox merchant, whom everybody knows; the rest are made up.
export STAGE=sandbox
export ESEWA_PRODUCT_CODE="${ESEWA_PRODUCT_CODE:-EPAYTEST}" ESEWA_SECRET="${ESEWA_SECRET:-8gBm/:&EnhH.1/q}"
export KHALTI_SECRET="${KHALTI_SECRET:-local-khalti-key}"
export RAZORPAY_API_SECRET="${RAZORPAY_API_SECRET:-rzp_test_local:local-razorpay-key}"
export STRIPE_API_SECRET="${STRIPE_API_SECRET:-rk_test_local_stripe_key}"
export RAZORPAY_WEBHOOK_SECRET="${RAZORPAY_WEBHOOK_SECRET:-local-webhook-secret}"
export CONFIRMATION_SECRET="${CONFIRMATION_SECRET:-local-confirmation-secret-of-the-stack}"

# AWS is MiniStack here. The credentials are dummies on purpose: a mistake must not reach anybody's account.
export AWS_ENDPOINT_URL="${MAKEGOOD_AWS_ENDPOINT_URL:-http://127.0.0.1:$MAKEGOOD_AWS_PORT}"
export AWS_REGION="${MAKEGOOD_AWS_REGION:-us-east-1}" AWS_DEFAULT_REGION="${MAKEGOOD_AWS_REGION:-us-east-1}"
export AWS_ACCESS_KEY_ID=000000000000 AWS_SECRET_ACCESS_KEY=local AWS_EC2_METADATA_DISABLED=true
unset AWS_PROFILE AWS_SESSION_TOKEN
# Where a sweep of the deployed stack is run at once, in place of its schedule.
export MAKEGOOD_SWEEP_URL="$AWS_ENDPOINT_URL/2015-03-31/functions/makegood-local-sweep/invocations"
# What the shop's mailer reads. A dummy key is also the account's number here.
export MAKEGOOD_ORDER_CONFIRMED_QUEUE_URL="$AWS_ENDPOINT_URL/$AWS_ACCESS_KEY_ID/makegood-local-order-confirmed"

export PATH="$MAKEGOOD_STATE/bin:$PATH"

# Our own servers' programs.
PG_BIN="${PG_BIN:-/usr/lib/postgresql/15/bin}"
PGBOUNCER="$MAKEGOOD_STATE/pgbouncer/bin/pgbouncer"
export PG_BIN PGBOUNCER

say() { printf '\033[1m%s\033[0m\n' "· $*" >&2; }
die() { printf '\033[31m%s\033[0m\n' "✗ $*" >&2; exit 1; }
