#!/usr/bin/env bash
# Two of four readers of MT940 book a reversed credit as money that came in.
#
# Versions   PyPI mt-940 5.1.1 · PyPI mt940 0.8.1 · npm mt940js 1.3.5 · npm mt940-js 1.0.0
# Guess      field 61's mark RC (reversal of a credit) is a negative amount, or at least marked as a reversal
# Seen       a statement that opens and closes at 1000.00: +100 paid, RC 100 (taken back), D 50 paid out, RD 50 (came back)
#              mt940 (B2CK), mt940js   100, -100, -50, 50: they add up to the balances
#              mt-940      100, 100, -50, 50: 200.00 too much. `Options(reversal_sign=True)` corrects it; the default stays as it was.
#              mt940-js    RC is `isCredit: true`, RD is `isCredit: false`, amounts have no sign, and nothing says "reversal"
#            mt-940 and mt940 are two packages that install the same module `mt940`: whichever comes second overwrites the first, and pip
#            says nothing. (Here each has its own environment.)
# So         a chargeback is counted as a second payment. Add the entries up and compare with the closing balance before anything is booked.
# Tried      2026-11-28
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
for package in mt-940==5.1.1 mt940==0.8.1; do
  python3 -m venv "${package%%=*}"
  "${package%%=*}/bin/pip" install --quiet --disable-pip-version-check "$package"
done
npm install --silent --no-audit --no-fund --prefix "$work" mt940js@1.3.5 mt940-js@1.0.0 tslib@2.8.1 >/dev/null

cat >statement.sta <<'STA'
:20:STATEMENT
:25:123456789/1234567
:28C:1/1
:60F:C261101EUR1000,00
:61:2611021102C100,00NTRFORDER1//BANK1
:86:paid
:61:2611031103RC100,00NTRFORDER1//BANK2
:86:taken back
:61:2611041104D50,00NTRFPAYOUT//BANK3
:86:paid out
:61:2611051105RD50,00NTRFPAYOUT//BANK4
:86:came back
:62F:C261105EUR1000,00
STA
cat >first.py <<'PY'
import mt940

for title, options in (("mt-940", None), ("mt-940 reversal_sign", mt940.Options(reversal_sign=True))):
    entries = mt940.parse("statement.sta", options=options) if options else mt940.parse("statement.sta")
    print(title, *(entry.data["amount"].amount for entry in entries))
PY
cat >second.py <<'PY'
from mt940 import MT940

print("mt940", *(entry.amount for statement in MT940("statement.sta").statements for entry in statement.transactions))
PY
cat >node.js <<'JS'
const fs = require("fs");
const text = fs.readFileSync("statement.sta", "utf8");
const entries = new (require("mt940js").Parser)().parse(text)[0].transactions;
console.log("mt940js", ...entries.map((entry) => entry.amount));
require("mt940-js")
  .read(Buffer.from(text.replace(/\n/g, "\r\n")))
  .then(([statement]) => {
    console.log("mt940-js", ...statement.transactions.map((entry) => (entry.isCredit ? "credit" : "debit") + entry.amount));
    console.log("mt940-js says reversal:", /revers/i.test(JSON.stringify(statement)));
  });
JS
seen=$(mt-940/bin/python first.py; mt940/bin/python second.py; node node.js)
echo "$seen"
[[ "$seen" == "mt-940 100.00 100.00 -50.00 50.00
mt-940 reversal_sign 100.00 -100.00 -50.00 50.00
mt940 100.00 -100.00 -50.00 50.00
mt940js 100 -100 -50 50
mt940-js credit100 credit100 debit50 debit50
mt940-js says reversal: false" ]] || { echo "The behaviour has changed." >&2; exit 1; }
