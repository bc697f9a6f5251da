#!/usr/bin/env bash
# Razorpay's Python SDK with `enable_retry` sends a refund again when its answer was lost, up to five times.
#
# Version    PyPI razorpay 2.0.1 (requests 2.32.5)
# Guess      retries are for requests that can be repeated: reads, or writes that carry a key which tells the gateway that it is the same
# Seen       after `client.enable_retry(True)` every method is repeated, POST too:
#              POST /v1/payments/pay_1/refund, received, connection closed without an answer       sent 5 times
#              … received, answer later than the timeout that the caller set                       sent 5 times
#              … answer 503                                                                        sent once
#            The requests are the same to the byte; no header or member marks a repeat. The answer of the last one is returned like any
#            other, and each attempt prints a line on standard output.
# So         a gateway that was slow once has given part of a payment back several times; a partial refund of a tenth leaves no trace but
#            the money. Leave it off, and repeat a refund only after a look at the payment's list of refunds.
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check razorpay==2.0.1 requests==2.32.5
cat >refund.py <<'PY'
import contextlib
import http.server
import io
import json
import threading
import time

import razorpay

received = []
lost_answers = 0
pause = 0
status = 200


class Gateway(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        received.append((self.path, body, tuple(sorted(self.headers.items()))))
        self.close_connection = True
        if len(received) <= lost_answers:
            time.sleep(pause)
            return
        answer = json.dumps({"id": "rfnd_1"} if status == 200 else {"error": {"code": "SERVER_ERROR", "description": "away"}})
        self.send_response(status)
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
threading.Thread(target=server.serve_forever, daemon=True).start()


def refund(title, retry, lost, answered, seconds=0.0):
    global lost_answers, pause, status
    lost_answers, pause, status = lost, seconds, answered
    received.clear()
    client = razorpay.Client(auth=("key", "secret"), base_url=f"http://127.0.0.1:{server.server_port}", initial_delay=0.01)
    client.enable_retry(retry)
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            result = client.payment.refund("pay_1", {"amount": 49990}, timeout=0.5)["id"]
        except Exception as error:
            result = type(error).__name__
    marked = any("idempot" in name.lower() for _, _, headers in received for name, _ in headers)
    print(f"{title}: sent {len(received)}, different {len(set(received))}, marked {marked}, {result}")


refund("four answers lost", True, 4, 200)
refund("all answers lost", True, 9, 200)
refund("all answers late", True, 9, 200, seconds=1.5)
refund("without enable_retry", False, 9, 200)
refund("answer 503", True, 0, 503)
PY
seen=$(python/bin/python refund.py)
echo "$seen"
[[ "$seen" == "four answers lost: sent 5, different 1, marked False, rfnd_1
all answers lost: sent 5, different 1, marked False, ConnectionError
all answers late: sent 5, different 1, marked False, ReadTimeout
without enable_retry: sent 1, different 1, marked False, ConnectionError
answer 503: sent 1, different 1, marked False, ServerError" ]] || { echo "The behaviour has changed." >&2; exit 1; }
