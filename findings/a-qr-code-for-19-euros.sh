#!/usr/bin/env bash
# A payment code without an amount asks for 19.05 EUR, and another one's text is in the field for references.
#
# Versions   npm iban-qr-code 1.0.0 · npm sepa-qr 0.0.2 · npm sepa-payment-code 1.0.3 · npm sepa-payment-qr-code 2.0.2
# Guess      the amount and the BIC are optional in version 002 of the code (EPC069-12), so what is left out is left out; a remittance
#            text is unstructured (line 11), a reference by ISO 11649 structured (line 10), one of the two; an amount has two decimals
# Seen       lines 5, 8, 10 and 11 of the code             BIC            amount                    reference         text
#            iban-qr-code          no amount               -              EUR19.05                  -                 Order 7
#              its defaults are    no BIC                  DEZZZYYYXXX    EUR49.90                  -                 Order 7
#              its README's        a reference alone       -              EUR49.90                  RF1853…           TESTSUBJECT
#            sepa-qr               remittance: "Order 7"   -              EUR49.9                   ORDER 7           -
#                                  information: "Thanks"   -              EUR49.9                   -                 THANKS
#            sepa-payment-code     10.10 + 20.20           -              EUR30.299999999999997     -                 -
#            iban-qr-code and sepa-qr write that sum so too; sepa-payment-qr-code leaves out what is left out, and writes EUR30.30.
#            sepa-qr's last member of the call should be line 12 (a note for the payer): its list lacks one line.
# So         a donation without a sum is one of 19.05 to a bank that does not exist; a bank's app that checks references refuses "Order 7",
#            and where it doesn't, matching by the text finds nothing. Read the text of the code, line by line, in a test.
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --prefix "$work" iban-qr-code@1.0.0 sepa-qr@0.0.2 qr-image@3.2.0 sepa-payment-code@1.0.3 \
  sepa-payment-qr-code@2.0.2 >/dev/null
cat >codes.js <<'JS'
const picture = require("qr-image");
const { girocode } = require("iban-qr-code");
const { PaymentCode } = require("sepa-payment-code");
const paymentQr = require("sepa-payment-qr-code");

// sepa-qr gives a picture; this is the text of it.
let drawn;
picture.image = (text) => (drawn = text);
const sepaQr = require("sepa-qr");
const viaSepaQr = (payment) => (sepaQr(payment), drawn);

const shop = { name: "Shop", iban: "DE89370400440532013000" };
const sum = 10.1 + 20.2;
const tell = (label, text) => {
  const line = text.split("\n");
  console.log(label, [4, 7, 9, 10, 11].map((at) => line[at] || "-").join(" | "));
};
tell("iban-qr-code no amount:", girocode({ ...shop, version: "002", bic: "", reason: "Order 7" }));
tell("iban-qr-code no BIC:", girocode({ ...shop, version: "002", amount: "49.90", reason: "Order 7" }));
tell("iban-qr-code reference:", girocode({ ...shop, version: "002", bic: "", amount: "49.90", ref: "RF18539007547034" }));
tell("iban-qr-code sum:", girocode({ ...shop, version: "002", bic: "", amount: sum, reason: "Order 7" }));
tell("sepa-qr remittance:", viaSepaQr({ ...shop, amount: 49.9, remittance: "Order 7" }));
tell("sepa-qr information:", viaSepaQr({ ...shop, amount: 49.9, information: "Thanks" }));
tell("sepa-qr sum:", viaSepaQr({ ...shop, amount: sum }));
tell("sepa-payment-code sum:", new PaymentCode(shop.name, shop.iban, sum).getPayload());
tell("sepa-payment-qr-code no amount:", paymentQr({ ...shop, amount: null, unstructuredReference: "Order 7" }));
tell("sepa-payment-qr-code sum:", paymentQr({ ...shop, amount: sum, information: "Thanks" }));
JS
seen=$(node codes.js)
echo "$seen"
[[ "$seen" == "iban-qr-code no amount: - | EUR19.05 | - | Order 7 | -
iban-qr-code no BIC: DEZZZYYYXXX | EUR49.90 | - | Order 7 | -
iban-qr-code reference: - | EUR49.90 | RF18539007547034 | Testsubject | -
iban-qr-code sum: - | EUR30.299999999999997 | - | Order 7 | -
sepa-qr remittance: - | EUR49.9 | Order 7 | - | -
sepa-qr information: - | EUR49.9 | - | Thanks | -
sepa-qr sum: - | EUR30.299999999999997 | - | - | -
sepa-payment-code sum: - | EUR30.299999999999997 | - | - | -
sepa-payment-qr-code no amount: - | - | - | Order 7 | -
sepa-payment-qr-code sum: - | EUR30.30 | - | - | Thanks" ]] || { echo "The behaviour has changed." >&2; exit 1; }
