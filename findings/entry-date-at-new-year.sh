#!/usr/bin/env bash
# Four of five readers of MT940 put an entry of 2 January a year into the past, and one of 31 December a year ahead.
#
# Versions   PyPI mt-940 5.1.1 · PyPI mt940 0.8.1 · npm mt940js 1.3.5 · npm mt940-js 1.0.0 · npm @centrapay/swift-parser 1.0.1
# Guess      the entry date (field 61, month and day only) is the one nearest to the value date, which has the year
# Seen         value 31 December 2026, entry 0102    mt-940 2027-01-02    the other four 2026-01-02
#              value 2 January 2027, entry 1231      mt-940 2026-12-31    the other four 2027-12-31
#            @centrapay/swift-parser does so with `validate: true` too.
# So         matching by booking date misses these entries on one day a year, and a booking of the new year lands in a closed one.
# Tried      2026-11-28
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
for package in mt-940==5.1.1 mt940==0.8.1; do
  python3 -m venv "${package%%=*}"
  "${package%%=*}/bin/pip" install --quiet --disable-pip-version-check "$package"
done
npm install --silent --no-audit --no-fund --prefix "$work" mt940js@1.3.5 mt940-js@1.0.0 tslib@2.8.1 @centrapay/swift-parser@1.0.1 >/dev/null

cat >statement.sta <<'STA'
:20:STATEMENT
:25:123456789/1234567
:28C:1/1
:60F:C261230EUR1000,00
:61:2612310102C100,00NTRFORDER1//BANK1
:86:first
:61:2701021231C50,00NTRFORDER2//BANK2
:86:second
:62F:C270102EUR1150,00
STA
cat >first.py <<'PY'
import mt940

print("mt-940", *(entry.data["entry_date"] for entry in mt940.parse("statement.sta")))
PY
cat >second.py <<'PY'
from mt940 import MT940

print("mt940", *(entry.booking for statement in MT940("statement.sta").statements for entry in statement.transactions))
PY
cat >node.js <<'JS'
const fs = require("fs");
const text = fs.readFileSync("statement.sta", "utf8");
const lines = text.replace(/\n/g, "\r\n");
const day = (date) => (date instanceof Date ? date.toISOString().slice(0, 10) : date);
const print = (name, [statement]) => console.log(name, ...statement.transactions.map((entry) => day(entry.entryDate)));
print("mt940js", new (require("mt940js").Parser)().parse(text));
print("centrapay", require("@centrapay/swift-parser").parse({ type: "mt940", data: lines, validate: true }));
require("mt940-js").read(Buffer.from(lines)).then((statements) => print("mt940-js", statements));
JS
seen=$(mt-940/bin/python first.py; mt940/bin/python second.py; TZ=UTC node node.js)
echo "$seen"
[[ "$seen" == "mt-940 2027-01-02 2026-12-31
mt940 2026-01-02 2027-12-31
mt940js 2026-01-02 2027-12-31
centrapay 2026-01-02 2027-12-31
mt940-js 2026-01-02 2027-12-31" ]] || { echo "The behaviour has changed." >&2; exit 1; }
