#!/usr/bin/env bash
# PayU's package signs a payment with a fee as if the fee were the text undefined, and CCAvenue's keeps half of an address with a comma.
#
# Versions   npm payu-websdk 1.3.1 · npm node-ccavenue 1.0.5, on Node.js 20; npm payu-sdk 1.1.1 cannot be loaded
# Guess      a request is signed as PayU documents it, also with additional_charges at its end; the fields of an answer of CCAvenue are
#            those between & and =, as in each form
# Seen       payu-websdk      without a fee the hash is right. With additional_charges=10.00 it is that of "...|salt|undefined", so PayU
#                             refuses the payment; with the name additionalCharges the fee is left out. An answer with a fee is read right
#            node-ccavenue    redirectResponseToJson cuts a value at a comma and at a second =, and takes brackets and quotes away:
#                             "House 5, Ward 3" is "House 5", and " Ward 3" is a field of its own, without a value
#            payu-sdk         SyntaxError in its own lib/index.js, in the only version that npm has
# So         nobody can pay an order with a fee, and a parcel goes to half an address. Compute the hash of such a request, and read the text
#            that decrypt() gives with URLSearchParams.
# Tried      2026-12-01, with PayU's formulas and CCAvenue's own encryption; no request leaves this machine
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --prefix "$work" payu-sdk@1.1.1 payu-websdk@1.3.1 node-ccavenue@1.0.5 >/dev/null
cat >fee.js <<'JS'
const { createHash } = require("crypto");
const PayuWeb = require("payu-websdk");
const { Configure } = require("node-ccavenue");

const sha512 = (...fields) => createHash("sha512").update(fields.join("|")).digest("hex");
const order = { txnid: "ORDER-1", amount: "500.00", productinfo: "Lesson", firstname: "Rai", email: "rai@example.com" };
const asked = ["key", ...Object.values(order), "", "", "", "", "", "", "", "", "", "", "salt"];
const answered = ["salt", "success", "", "", "", "", "", "", "", "", "", "", ...Object.values(order).reverse(), "key"];

function tried(call) {
  try {
    return call();
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
}

console.log("payu-sdk:", tried(() => require("payu-sdk")));
const web = new PayuWeb({ key: "key", salt: "salt" });
console.log("payu-websdk request:", web.hasher.generatePaymentHash(order) === sha512(...asked));
const hash = web.hasher.generatePaymentHash({ ...order, additional_charges: "10.00" });
console.log("payu-websdk request with a fee:", hash === sha512(...asked, "10.00"), "with undefined:", hash === sha512(...asked, "undefined"));
console.log("payu-websdk request with additionalCharges:", web.hasher.generatePaymentHash({ ...order, additionalCharges: "10.00" }) === sha512(...asked));
const fee = { ...order, status: "success", additionalCharges: "10.00" };
console.log("payu-websdk answer with a fee:", web.hasher.validateResponseHash({ ...fee, hash: sha512("10.00", ...answered) }));

const ccavenue = new Configure({ working_key: "key", merchant_id: "1" });
const text = "order_id=ORDER-1&order_status=Success&amount=500.00&delivery_address=House 5, Ward 3&delivery_city=Ranchi&merchant_param1=[7]&merchant_param2=a=b";
const read = ccavenue.redirectResponseToJson(ccavenue.encrypt(text));
console.log("node-ccavenue:", Object.entries(read).map((field) => field.join("=")).join("&"));
console.log("URLSearchParams:", new URLSearchParams(text).get("delivery_address"));
JS
seen=$(node fee.js)
echo "$seen"
[[ "$seen" == "payu-sdk: SyntaxError: missing ) after argument list
payu-websdk request: true
payu-websdk request with a fee: false with undefined: true
payu-websdk request with additionalCharges: true
payu-websdk answer with a fee: true
node-ccavenue: order_id=ORDER-1&order_status=Success&amount=500.00&delivery_address=House 5& Ward 3=&delivery_city=Ranchi&merchant_param1=7&merchant_param2=a
URLSearchParams: House 5, Ward 3" ]] || { echo "The behaviour has changed." >&2; exit 1; }
