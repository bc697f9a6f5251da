#!/usr/bin/env bash
# JSONata in Python prints half a paisa up where JavaScript prints it to the even one, and drops the paisa of a remainder.
#
# Versions   npm jsonata 2.2.2 · PyPI jsonata-python 0.7.1 (Node 20)
# Guess      one expression gives one result in both; a number is printed as `$round` rounds it, half to the even digit
# Seen                                                 JavaScript            Python
#              $round(0.125, 2)                        0.12                  0.12
#              $formatNumber(0.125, "0.00")            0.12                  0.13
#              $formatNumber(12.625, "#,##0.00")       12.62                 12.63
#              $formatNumber(2.5, "0")                 2                     3
#              5.5 % 2                                 1.5                   1
#              1234.75 % 100                           34.75                 34
#              -5 % 3                                  -2                    -2
#              $number(" 5 ")                          an error              5
#              $base64encode("₹")                      uQ==                  4oK5
#            JavaScript's is the reference; its base64 keeps one byte of each character. MiniStack's Step Functions run the other.
# So         a tax of 2.5 % on 5.00 is 0.12 on the screen and 0.13 on the receipt, and the rest of a division by instalments loses its
#            paisa. Round before printing, and count in paisa.
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --prefix "$work" jsonata@2.2.2 >/dev/null
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check jsonata-python==0.7.1
cat >expressions.json <<'JSON'
["$round(0.125, 2)", "$formatNumber(0.125, \"0.00\")", "$formatNumber(12.625, \"#,##0.00\")", "$formatNumber(2.5, \"0\")", "5.5 % 2",
 "1234.75 % 100", "-5 % 3", "$number(\" 5 \")", "$base64encode(\"₹\")"]
JSON
cat >evaluate.js <<'JS'
const jsonata = require("jsonata");

async function main() {
  for (const expression of require("./expressions.json")) {
    console.log("JavaScript", expression, await jsonata(expression).evaluate({}).catch((error) => error.code));
  }
}
main();
JS
cat >evaluate.py <<'PY'
import json

import jsonata

for expression in json.load(open("expressions.json", encoding="utf-8")):
    print("Python", expression, jsonata.Jsonata(expression).evaluate({}))
PY
seen=$(node evaluate.js; PYTHONUTF8=1 python/bin/python evaluate.py)
echo "$seen"
[[ "$seen" == 'JavaScript $round(0.125, 2) 0.12
JavaScript $formatNumber(0.125, "0.00") 0.12
JavaScript $formatNumber(12.625, "#,##0.00") 12.62
JavaScript $formatNumber(2.5, "0") 2
JavaScript 5.5 % 2 1.5
JavaScript 1234.75 % 100 34.75
JavaScript -5 % 3 -2
JavaScript $number(" 5 ") D3030
JavaScript $base64encode("₹") uQ==
Python $round(0.125, 2) 0.12
Python $formatNumber(0.125, "0.00") 0.13
Python $formatNumber(12.625, "#,##0.00") 12.63
Python $formatNumber(2.5, "0") 3
Python 5.5 % 2 1
Python 1234.75 % 100 34
Python -5 % 3 -2
Python $number(" 5 ") 5
Python $base64encode("₹") 4oK5' ]] || { echo "The behaviour has changed." >&2; exit 1; }
