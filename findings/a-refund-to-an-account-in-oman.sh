#!/usr/bin/env bash
# Two IBAN validators for JavaScript refuse the accounts of twelve countries that are in the IBAN registry.
#
# Version    npm iban 0.0.14, npm validator 13.15.35 (isIBAN); beside them npm ibantools 4.5.4, PyPI schwifty 2026.10.1, python-stdnum 2.2
# Guess      what is valid by the IBAN registry (ISO 13616) is valid for a validator in its newest release
# Seen       the registry's own examples of Burundi, Djibouti, the Falkland Islands, Honduras, Libya, Mongolia, Nicaragua, Oman, Russia,
#            Somalia, Sudan and Yemen: false in iban and validator, true in the other three. Their check digits are right. Egypt, whose
#            format is older, is true everywhere.
# So         a form that asks for the account of a refund and validates with either of them takes no account from there, and a service
#            in Python that reads the same account takes it. Both lack the countries that joined the registry last.
# Tried      2026-11-30
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts iban@0.0.14 validator@13.15.35 ibantools@4.5.4
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check schwifty==2026.10.1 python-stdnum==2.2
# The examples that the registry prints.
cat >examples <<'TEXT'
BI4210000100010000332045181
DJ2100010000000154000100186
EG380019000500000000263180002
FK88SC123456789012
HN88CABF00000000000250005469
LY83002048000020100120361
MN121234123456789123
NI45BAPR00000013000003558124
OM810180000001299123456
RU0204452560040702810412345678901
SD8811123456789012
SO211000001001000100141
YE15CBYE0001018861234567891234
TEXT
cat >check.cjs <<'JS'
const { readFileSync } = require("node:fs");
const iban = require("iban");
const { isIBAN } = require("validator");
const { isValidIBAN } = require("ibantools");
for (const text of readFileSync("examples", "utf8").trim().split("\n")) {
  console.log(text.slice(0, 2), iban.isValid(text), isIBAN(text), isValidIBAN(text));
}
JS
cat >check.py <<'PY'
from schwifty import IBAN
from stdnum import iban

for text in open("examples").read().split():
    print(text[:2], str(IBAN(text, allow_invalid=True).is_valid).lower(), str(iban.is_valid(text)).lower())
PY
echo "country, iban, validator, ibantools; schwifty, python-stdnum"
node check.cjs >javascript
python/bin/python check.py >python.txt
join javascript python.txt | tee seen
[[ $(grep -c ' false false true true true$' seen) == 12 ]] || { echo "another number of countries than 12 is refused"; exit 1; }
grep -q '^EG true true true true true$' seen || { echo "Egypt is not valid everywhere"; exit 1; }
