// Razorpay's own SDK for Node.js speaks to the local stub of Razorpay as a merchant's server does: what the stub answers is what the SDK
// reads. And the signature of a webhook as this project's programs make it (local/stack/welcome.sh) is one that the SDK accepts.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { createRequire } from "node:module";

const Razorpay = createRequire(`${process.env.CONTRACTS_MODULES}/`)("razorpay");
const [key_id, key_secret] = process.env.RAZORPAY_API_SECRET.split(":");

function client(secret) {
  const razorpay = new Razorpay({ key_id, key_secret: secret });
  // The address is a constant of the SDK.
  razorpay.api.rq.defaults.baseURL = process.env.MAKEGOOD_GATEWAYS_URL;
  return razorpay;
}

const razorpay = client(key_secret);
const made = await razorpay.orders.create({ amount: 499900, currency: "INR", notes: { courseId: "7b0c6b0e-2f0b-4c5e-9f57-3a6f1d0c9a01" } });
const fetched = await razorpay.orders.fetch(made.id);
assert.deepEqual([fetched.id, fetched.amount, fetched.currency, fetched.notes], [made.id, 499900, "INR", made.notes]);
assert.equal(fetched.status, "created");

const now = Math.floor(Date.now() / 1000);
for (const list of ["payments", "refunds", "settlements"]) {
  const page = await razorpay[list].all({ from: now - 86400, to: now, count: 100, skip: 0 });
  assert.deepEqual([page.entity, page.count], ["collection", page.items.length], list);
}
const settled = await razorpay.settlements.reports({ year: 2026, month: 11, day: 30 });
assert.deepEqual([settled.entity, settled.count], ["collection", settled.items.length]);

const refused = async (promise, status) => {
  const error = await promise.then(() => assert.fail("it was answered"), (error) => error);
  assert.equal(error.statusCode, status);
  assert.equal(typeof error.error.description, "string");
};
await refused(client("another key").orders.fetch(made.id), 401);
await refused(razorpay.orders.fetch("order_0000000000nope"), 400);
await refused(razorpay.payments.fetch("pay_00000000000nope"), 400);

const body = JSON.stringify({ entity: "event", event: "payment.captured", payload: { note: "Café" } });
const signature = createHmac("sha256", process.env.RAZORPAY_WEBHOOK_SECRET).update(body).digest("hex");
assert.ok(Razorpay.validateWebhookSignature(body, signature, process.env.RAZORPAY_WEBHOOK_SECRET));
assert.ok(!Razorpay.validateWebhookSignature(`${body} `, signature, process.env.RAZORPAY_WEBHOOK_SECRET));
console.log("  razorpay (Node.js): orders, lists, refusals, signatures");
