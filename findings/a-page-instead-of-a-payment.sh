#!/usr/bin/env bash
# Razorpay's SDK for Node.js: a gateway that can't be reached is a TypeError, and a page of a proxy is a payment.
#
# Version    npm razorpay 2.9.8 (axios 1.x), Node.js 20
# Guess      a failed request rejects with what happened, so that the caller can tell an outage (ask again) from a refusal (don't); what
#            is no JSON is an error
# Seen       payments.fetch, orders.fetch and payments.refund alike:
#              connection refused, or closed before the answer    TypeError: Cannot read properties of undefined (reading 'status');
#                                                                 no code, no cause, no statusCode
#              502 with a page of HTML                            { statusCode: 502, error: undefined }
#              200 with a page of HTML                            resolved: the "payment" is a text, its status undefined
# So         `error.statusCode >= 500` and `error.code === "ECONNRESET"` never hold for a gateway that is away, and a retry keyed on them
#            does not run; a refund of which nobody knows whether it was made looks like a mistake in the program. Ask `typeof payment.id`
#            before `payment.status`.
# Tried      2026-11-30
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts razorpay@2.9.8
cat >away.cjs <<'JS'
const assert = require("node:assert/strict");
const http = require("node:http");
const Razorpay = require("razorpay");

const razorpay = new Razorpay({ key_id: "rzp_test_merchant", key_secret: "secret" });
const page = (status) => (_, answer) => {
  answer.writeHead(status, { "content-type": "text/html" });
  answer.end("<h1>We will be back soon</h1>");
};

async function ask(behaviour, call) {
  const server = http.createServer(behaviour);
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  razorpay.api.rq.defaults.baseURL = `http://127.0.0.1:${server.address().port}`;
  if (behaviour === gone) await new Promise((closed) => server.close(closed));
  const outcome = await call().then((value) => ({ value }), (error) => ({ error }));
  server.closeAllConnections();
  server.close();
  return outcome;
}

const gone = () => {};
const calls = {
  "payments.fetch": () => razorpay.payments.fetch("pay_00000000000001"),
  "orders.fetch": () => razorpay.orders.fetch("order_00000000000001"),
  "payments.refund": () => razorpay.payments.refund("pay_00000000000001", { amount: 100 }),
};

(async () => {
  for (const [name, call] of Object.entries(calls)) {
    for (const [what, behaviour] of [["refused", gone], ["closed", (request) => request.socket.destroy()]]) {
      const { error } = await ask(behaviour, call);
      console.log(`${name}, connection ${what}: ${error.name}: ${error.message}; code ${error.code}, cause ${error.cause}, status ${error.statusCode}`);
      assert.ok(error instanceof TypeError);
      assert.deepEqual([error.code, error.cause, error.statusCode], [undefined, undefined, undefined]);
    }
    const { error } = await ask(page(502), call);
    console.log(`${name}, 502 with a page:`, error);
    assert.deepEqual(error, { statusCode: 502, error: undefined });
    const { value } = await ask(page(200), call);
    console.log(`${name}, 200 with a page: resolved with`, value, "whose status is", value.status);
    assert.deepEqual([typeof value, value.status], ["string", undefined]);
  }
})();
JS
node away.cjs
