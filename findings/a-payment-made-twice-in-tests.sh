#!/usr/bin/env bash
# localstripe takes a second payment and a second refund for the same Idempotency-Key.
#
# Version    PyPI localstripe 1.15.10 (stripe 14.1.0)
# Guess      the fake server, made to test code against, keeps Stripe's best known promise, or its list of limitations says that it doesn't
# Seen       two requests with one Idempotency-Key, the same to the byte:
#              POST /v1/payment_intents     two payments that succeeded, two charges
#              POST /v1/refunds             two refunds
#            The header is read nowhere. Stripe answers the second request with the first one's result.
# So         a test that counts charges after a retry fails on right code, and the usual mistake (a new key for each attempt) passes as well
#            as right code does. Compare the keys that were sent, not the charges.
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
server=
trap 'if [[ -n "$server" ]]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi; rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check localstripe==1.15.10 stripe==14.1.0
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
# Without this the server would write a file of its own into /tmp.
cat >serve.py <<'PY'
from localstripe import resources, server

resources.Store.dump_to_disk = lambda self: None
server.start()
PY
python/bin/python serve.py --port "$port" --from-scratch </dev/null >server.log 2>&1 &
server=$!
for ((i = 0; i < 300; i++)); do
  (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
  sleep 0.2
done
cat >pay.py <<'PY'
import sys

import stripe

stripe.api_key = "sk_test_12345"
stripe.api_base = sys.argv[1]
card = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2040, "cvc": "123"}
method = stripe.PaymentMethod.create(type="card", card=card)


def pay():
    return stripe.PaymentIntent.create(
        amount=4999, currency="usd", payment_method=method.id, confirm=True, idempotency_key="order-1"
    )


first, second = pay(), pay()
print("payments", first.status, second.status, "the same:", first.id == second.id)


def charge(payment):
    return payment.latest_charge if isinstance(payment.latest_charge, str) else payment.latest_charge["id"]


print("charges the same:", charge(first) == charge(second))


def refund():
    return stripe.Refund.create(payment_intent=first.id, amount=1000, idempotency_key="refund-1")


once, again = refund(), refund()
print("refunds", once.amount, again.amount, "the same:", once.id == again.id)
PY
seen=$(python/bin/python pay.py "http://127.0.0.1:$port")
echo "$seen"
[[ "$seen" == "payments succeeded succeeded the same: False
charges the same: False
refunds 1000 1000 the same: False" ]] || { echo "The behaviour has changed." >&2; exit 1; }
