#!/usr/bin/env bash
# nepal-gateways answers a buyer's "cancel" at Khalti with the error of a service that is down.
#
# Version    PyPI nepal-gateways 0.2.0
# Guess      `verify_payment` gives a result that says "not successful" for each of Khalti's seven states, and raises when Khalti can't be asked
# Seen       Khalti's lookup answers 200 for some states and 400 for two of them. So
#              Pending, 200          a result, is_successful False
#              User canceled, 400    VerificationError, error_code 400, the state only inside `gateway_response`
#              Expired, 400          VerificationError, error_code 400
#              no answer, 503        VerificationError, error_code 503
#            Whoever retries on VerificationError asks about a cancelled payment for ever and keeps its stock; whoever gives up on it loses
#            payments while Khalti is down.
# Tried      2026-11-28, with answers as Khalti documents them; no request leaves this machine
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check nepal-gateways==0.2.0 requests==2.32.5
cat >lookup.py <<'PY'
import json
import logging

import requests
from nepal_gateways import KhaltiClient

logging.disable(logging.CRITICAL)
PIDX = "bZQLD9wRVWo4CdESSfuSsB"
client = KhaltiClient(
    {
        "mode": "sandbox",
        "live_secret_key": "key",
        "return_url_config": "http://localhost/return",
        "website_url_config": "http://localhost",
    }
)


def answering(code, state):
    def post(*arguments, **named):
        answer = requests.Response()
        answer.status_code = code
        body = {
            "pidx": PIDX,
            "total_amount": 499900,
            "status": state,
            "transaction_id": None,
            "fee": 0,
            "refunded": False,
        }
        answer._content = json.dumps(body).encode() if state else b""
        return answer

    return post


for code, state in ((200, "Pending"), (400, "User canceled"), (400, "Expired"), (503, None)):
    client.http_session.post = answering(code, state)
    try:
        result = client.verify_payment({"pidx": PIDX, "status": state or "Pending"})
        print(state, code, "->", "result", result.is_successful)
    except Exception as error:
        print(state, code, "->", type(error).__name__, error.error_code)

PY
seen=$(python/bin/python lookup.py)
echo "$seen"
[[ "$seen" == "Pending 200 -> result False
User canceled 400 -> VerificationError 400
Expired 400 -> VerificationError 400
None 503 -> VerificationError 503" ]] || { echo "The behaviour has changed." >&2; exit 1; }
