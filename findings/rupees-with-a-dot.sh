#!/usr/bin/env bash
# Three npm packages read "Rs. 4999" as half a rupee, one of them what it wrote itself.
#
# Versions   npm currency.js 2.0.4 · npm numeral 2.0.6 · npm accounting 0.4.1 · npm accounting-js 2.0.3 · PyPI price-parser 0.5.1
# Guess      a currency's sign before an amount is left out, whatever it is; "NPR 4,999.50" works in all of them
# Seen                             currency.js     numeral     accounting(-js)     price-parser
#              Rs. 4999            0.5             0.4999      0.4999              4999
#              Rs. 4,999.00        NaN             NaN         0.4999              4999.00
#              -Rs. 500            -0.5            -0.5        -0.5                500
#              (500.00)            -500            -500        -500                500.00
#              KWD 1.500           1.5             1.5         1.5                 1500
#              NPR 4,999.50        4999.5          4999.5      4999.5              4999.50
#            The dot of "Rs." stays as the decimal point. accounting's `unformat(formatMoney(4999, "Rs. "))` is 0.4999.
#            price-parser reads them right, but knows no negative amounts, and three decimals as thousands.
# So         a CSV of a gateway or a shop in Nepal, India or Pakistan gives amounts that are 10,000 times too small, and no error. Cut the
#            sign off before the amount is parsed, and refuse what is left if it is not digits.
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --prefix "$work" currency.js@2.0.4 numeral@2.0.6 accounting@0.4.1 accounting-js@2.0.3 >/dev/null
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check price-parser==0.5.1
cat >amounts.js <<'JS'
const currency = require("currency.js");
const numeral = require("numeral");
const accounting = require("accounting");
const accountingJs = require("accounting-js");

for (const text of ["Rs. 4999", "Rs. 4,999.00", "-Rs. 500", "(500.00)", "KWD 1.500", "NPR 4,999.50"]) {
  const amounts = [currency(text).value, numeral(text).value(), accounting.unformat(text), accountingJs.unformat(text)];
  console.log(`${text}:`, amounts.join(" "));
}
const written = accounting.formatMoney(4999, "Rs. ");
console.log("accounting wrote", written, "and reads", accounting.unformat(written));
JS
cat >amounts.py <<'PY'
from price_parser import Price

for text in ("Rs. 4999", "Rs. 4,999.00", "-Rs. 500", "(500.00)", "KWD 1.500", "NPR 4,999.50"):
    print("price-parser", text, Price.fromstring(text).amount)
PY
seen=$(node amounts.js; python/bin/python amounts.py)
echo "$seen"
[[ "$seen" == "Rs. 4999: 0.5 0.4999 0.4999 0.4999
Rs. 4,999.00: NaN NaN 0.4999 0.4999
-Rs. 500: -0.5 -0.5 -0.5 -0.5
(500.00): -500 -500 -500 -500
KWD 1.500: 1.5 1.5 1.5 1.5
NPR 4,999.50: 4999.5 4999.5 4999.5 4999.5
accounting wrote Rs. 4,999.00 and reads 0.4999
price-parser Rs. 4999 4999
price-parser Rs. 4,999.00 4999.00
price-parser -Rs. 500 500
price-parser (500.00) 500.00
price-parser KWD 1.500 1500
price-parser NPR 4,999.50 4999.50" ]] || { echo "The behaviour has changed." >&2; exit 1; }
