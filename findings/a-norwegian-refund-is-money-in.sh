#!/usr/bin/env bash
# A refund of -5.50 that @dintero/money writes for Norway is 5.50 when it reads it again, and so it is for two other readers.
#
# Versions   npm @dintero/money 1.1.12 · npm parsecurrency 1.1.1 · npm parse-price 1.1.8 · npm intl-number-parser 1.0.6 ·
#            npm @internationalized/number 3.6.9, on Node.js 20
# Guess      `fromLocaleString` reads what `toLocaleString` of the same package wrote for the same locale, as its documents show;
#            a reader of amounts keeps the sign that `Intl.NumberFormat` writes, or refuses it
# Seen       -5.50, written for each locale and read again
#                                    nb-NO, sv-SE, fi-FI, et-EE, lt-LT, sl-SI, hr-HR      da-DK, de-DE, fr-FR, en-GB
#              @dintero/money        5.50                                                 -5.50
#              parsecurrency         5.5                                                  -5.5
#              parse-price           5.5                                                  5.5
#              intl-number-parser    NaN                                                  -5.5
#              @internationalized    -5.5                                                 -5.5
#            These seven locales write the sign of subtraction (U+2212), not the hyphen. For Switzerland the hyphen follows the
#            currency, and parsecurrency reads CHF-5.50 as 5.5. 1234.50 comes back right from all of them, except with Nepal's
#            digits (ne-NP), which are an error, nothing, 0 or NaN for the first three.
# So         a refund that goes through a form or a CSV in one of these countries is booked as a payment, without an error.
#            Keep amounts as minor units beside their text, and read text with a parser that was asked about each locale's sign.
# Tried      2026-11-30
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --prefix "$work" @dintero/money@1.1.12 parsecurrency@1.1.1 parse-price@1.1.8 \
  intl-number-parser@1.0.6 @internationalized/number@3.6.9 >/dev/null
cat >signs.js <<'JS'
const { Money } = require("@dintero/money");
const parsecurrency = require("parsecurrency");
const parsePrice = require("parse-price");
const createParser = require("intl-number-parser").default;
const { NumberParser } = require("@internationalized/number");

const currencies = {
  "nb-NO": "NOK", "sv-SE": "SEK", "fi-FI": "EUR", "et-EE": "EUR", "lt-LT": "EUR", "sl-SI": "EUR", "hr-HR": "EUR",
  "da-DK": "DKK", "de-DE": "EUR", "fr-FR": "EUR", "en-GB": "GBP", "de-CH": "CHF", "ne-NP": "NPR",
};

function attempt(read) {
  try {
    return String(read());
  } catch (error) {
    return error.message;
  }
}

for (const amount of [-5.5, 1234.5]) {
  for (const [locale, currency] of Object.entries(currencies)) {
    const plain = Money.of(amount, currency).toLocaleString(locale);
    const withCurrency = new Intl.NumberFormat(locale, { style: "currency", currency }).format(amount);
    const seen = [
      attempt(() => Money.fromLocaleString(plain, currency, locale)),
      attempt(() => parsecurrency(withCurrency)?.value),
      attempt(() => parsePrice(withCurrency)),
      attempt(() => createParser(locale)(plain)),
      attempt(() => new NumberParser(locale, { style: "decimal" }).parse(plain)),
    ];
    console.log(locale, amount, seen.join(" | "));
  }
}
JS
seen=$(node signs.js)
echo "$seen"
[[ "$seen" == "nb-NO -5.5 5.50 | 5.5 | 5.5 | NaN | -5.5
sv-SE -5.5 5.50 | 5.5 | 5.5 | NaN | -5.5
fi-FI -5.5 5.50 | 5.5 | 5.5 | NaN | -5.5
et-EE -5.5 5.50 | 5.5 | 5.5 | NaN | -5.5
lt-LT -5.5 5.50 | 5.5 | 5.5 | NaN | -5.5
sl-SI -5.5 5.50 | 5.5 | 5.5 | NaN | -5.5
hr-HR -5.5 5.50 | 5.5 | 5.5 | NaN | -5.5
da-DK -5.5 -5.50 | -5.5 | 5.5 | -5.5 | -5.5
de-DE -5.5 -5.50 | -5.5 | 5.5 | -5.5 | -5.5
fr-FR -5.5 -5.50 | -5.5 | 5.5 | -5.5 | -5.5
en-GB -5.5 -5.50 | -5.5 | 5.5 | -5.5 | -5.5
de-CH -5.5 -5.50 | 5.5 | 5.5 | -5.5 | -5.5
ne-NP -5.5 [big.js] Invalid number | undefined | 0 | -5.5 | -5.5
nb-NO 1234.5 1234.50 | 1234.5 | 1234.5 | 1234.5 | 1234.5
sv-SE 1234.5 1234.50 | 1234.5 | 1234.5 | 1234.5 | 1234.5
fi-FI 1234.5 1234.50 | 1234.5 | 1234.5 | 1234.5 | 1234.5
et-EE 1234.5 1234.50 | 1234.5 | 1234.5 | 1234.5 | 1234.5
lt-LT 1234.5 1234.50 | 1234.5 | 1234.5 | 1234.5 | 1234.5
sl-SI 1234.5 1234.50 | 1234.5 | 1234.5 | 1234.5 | 1234.5
hr-HR 1234.5 1234.50 | 1234.5 | 1234.5 | 1234.5 | 1234.5
da-DK 1234.5 1234.50 | 1234.5 | 1234.5 | 1234.5 | 1234.5
de-DE 1234.5 1234.50 | 1234.5 | 1234.5 | 1234.5 | 1234.5
fr-FR 1234.5 1234.50 | 1234.5 | 1234.5 | 1234.5 | 1234.5
en-GB 1234.5 1234.50 | 1234.5 | 1234.5 | 1234.5 | 1234.5
de-CH 1234.5 1234.50 | 1234.5 | 1234.5 | 1234.5 | 1234.5
ne-NP 1234.5 [big.js] Invalid number | undefined | NaN | 1234.5 | 1234.5" ]] || { echo "The behaviour has changed." >&2; exit 1; }
