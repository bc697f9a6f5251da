#!/usr/bin/env bash
# A share of a payment and the same share of its refund differ by a cent in four money packages of npm.
#
# Versions   npm currency.js 2.0.4 · npm dinero.js 2.0.2 · npm js-money 0.6.3 · npm money-math 2.6.3 (Node 20)
# Guess      rounding is the same on both sides of zero: the fee of 2.5 % on x and on -x add up to 0
# Seen       over the 100,000 amounts from 0.01 to 1000.00, fee and returned fee don't add up to 0 in so many cases:
#              currency.js, js-money             2500    half a cent goes up, towards plus: 0.20 gives 0.01, -0.20 gives -0.00
#              dinero.js                        97500    `transformScale` rounds down unless told: 0.01 gives 0, -0.01 gives -0.01
#              dinero.js, halfAwayFromZero          0
#              money-math                       97500    a negative result is a cent too high for any rounding: -0.03 * 0.50 = 0.00,
#                                                        and -0.01 * 0.50 = +0.01
#            With a half (a payment that two share) currency.js is off for each odd amount.
# So         a cancelled order leaves a cent in the books, and a reconciliation that demands zero never closes. Compute the share once,
#            from the payment, and negate the result; in Postgres and in Python's decimal both sides round alike.
# Tried      2026-11-28
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --prefix "$work" currency.js@2.0.4 dinero.js@2.0.2 js-money@0.6.3 money-math@2.6.3 >/dev/null
cat >refunds.js <<'JS'
const currency = require("currency.js");
const { dinero, multiply, transformScale, toSnapshot, halfAwayFromZero, EUR } = require("dinero.js");
const JsMoney = require("js-money");
const money = require("money-math");

const text = (cents) => (cents < 0 ? "-" : "") + (Math.abs(cents) / 100).toFixed(2);
const scaled = (cents) => multiply(dinero({ amount: cents, currency: EUR }), { amount: 25, scale: 3 });
const fees = {
  "currency.js": (cents) => currency(cents, { fromCents: true }).multiply(0.025).intValue,
  "js-money": (cents) => JsMoney.fromInteger(cents, "EUR").multiply(0.025).amount,
  "dinero.js": (cents) => toSnapshot(transformScale(scaled(cents), 2)).amount,
  "dinero.js halfAwayFromZero": (cents) => toSnapshot(transformScale(scaled(cents), 2, halfAwayFromZero)).amount,
  "money-math": (cents) => Math.round(Number(money.percent(text(cents), "2.50")) * 100),
};
const differ = (fee) => Array.from({ length: 100000 }, (_, index) => index + 1).filter((cents) => fee(cents) + fee(-cents) !== 0).length;
for (const [name, fee] of Object.entries(fees)) console.log(name, differ(fee));
console.log("currency.js half", differ((cents) => currency(cents, { fromCents: true }).divide(2).intValue));
console.log("money-math", money.mul("-0.03", "0.50"), money.mul("-0.01", "0.50"));
JS
seen=$(node refunds.js)
echo "$seen"
[[ "$seen" == "currency.js 2500
js-money 2500
dinero.js 97500
dinero.js halfAwayFromZero 0
money-math 97500
currency.js half 50000
money-math 0.00 0.01" ]] || { echo "The behaviour has changed." >&2; exit 1; }
