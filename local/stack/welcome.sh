#!/usr/bin/env bash
# Prints what a person can do with the stack that is up: the console, a payment by hand, the command `makegood`, and a fault to cause and to cure.
# printed_check.py types every line of it, so what is printed here works.
#
# Leaves the command's environment in .local/command.sh, for any shell. Needs deploy.sh.
set -euo pipefail
# shellcheck source=local/stack/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

# What `makegood` needs: the database itself (a pooler can't carry the migrator's lock), and the queues as the deployed console
# has them.
command_environment() {
  echo "# The environment of the command makegood for the stack in $MAKEGOOD_STATE. Made by local/stack/welcome.sh."
  curl -fsS "$AWS_ENDPOINT_URL/2015-03-31/functions/makegood-local-admin/configuration" | python3 -c '
import json, os, shlex, sys
variables = json.load(sys.stdin)["Environment"]["Variables"]
wanted = {name: value for name, value in variables.items() if name.startswith("QUEUE_URL_") or name in ("JOBS_QUEUE_URL", "BUSINESS_TIMEZONE", "BUSINESS_WEEKDAYS", "SINGLE_OPERATOR")}
wanted["DATABASE_URL"] = os.environ["MAKEGOOD_LOCAL_DATABASE_DIRECT_URL"]
for name in ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
    wanted[name] = os.environ[name]
for name, value in sorted(wanted.items()):
    print(f"export {name}={shlex.quote(value)}")'
  printf 'export PATH=%q:"$PATH"\n' "$(cd "${CARGO_TARGET_DIR:-$MAKEGOOD_ROOT/target}/debug" && pwd)"
}

# A payment that no run has sent, so that printing it again pays again, and pasting it twice delivers it twice.
payment_body() {
  python3 -c '
import json, sys, uuid
notes = {"studentId": str(uuid.uuid4()), "courseId": sys.argv[2], "purchaseTier": "30", "timeSlot": "4:00 PM"}
payment = {"id": sys.argv[1], "entity": "payment", "amount": 499900, "currency": "INR", "status": "captured", "method": "upi", "notes": notes}
print(json.dumps({"entity": "event", "event": "payment.captured", "contains": ["payment"], "payload": {"payment": {"entity": payment}}}, separators=(",", ":")))' "$1" "$course"
}

# What that payment costs, or it would be held as one without a price.
course=b8a1f0d2-1f6e-4b4d-8f1b-7a3f0c9d2e22
price_the_course() {
  "$PG_BIN/psql" -Xq -v ON_ERROR_STOP=1 "$MAKEGOOD_LOCAL_DATABASE_DIRECT_URL" -c "
    INSERT INTO course_prices (course_id, tier, currency, amount_minor, valid_from)
    VALUES ('$course', 30, 'INR', 499900, 'epoch') ON CONFLICT DO NOTHING"
}

api=$MAKEGOOD_PUBLIC_URL
[[ -z "${MAKEGOOD_AWS_ENDPOINT_URL:-}" ]] || api=$(cat "$MAKEGOOD_STATE/api-url")
file="$MAKEGOOD_STATE/command.sh"
command_environment >"$file"
price_the_course
payment="pay_byhand$(date +%s)" broken="pay_broken$(date +%s)"

# The three lines that send it, signed as Razorpay signs.
send_payment() {
  cat <<TEXT
  body='$(payment_body "$1")'
  signature=\$(printf %s "\$body" | openssl dgst -sha256 -hmac '$RAZORPAY_WEBHOOK_SECRET' | sed 's/^.* //')
  curl -sS '$api/payments/webhooks/razorpay' -H 'content-type: application/json' -H "x-razorpay-signature: \$signature" -H 'x-razorpay-event-id: evt_$1' -d "\$body"
TEXT
}

cat <<TEXT

The console, where one button logs in as the operator on call:
  $api/admin

Pay for a course, signed as Razorpay signs:
$(send_payment "$payment")

What became of it, and whether every guarantee holds (any shell; --help has the rest):
  . $(printf %q "$file")
  makegood trace $payment
  makegood doctor

Break it: the service that assigns trainers refuses the next request, so the message of the next payment becomes a dead letter within seconds.
  curl -sS 'http://127.0.0.1:$MAKEGOOD_ADMIN_PORT/_control' -H 'content-type: application/json' -d '{"script": ["bad_request"]}'
$(send_payment "$broken")
  makegood trace $broken
  makegood dead-letters list

Fix it: the service takes requests again, so send the message back to its queue. A moment later the trace has a trainer and seven sessions.
  makegood dead-letters replay --function allocate-trainer --yes --as me --reason 'the service takes requests again'
  makegood trace $broken

TEXT
