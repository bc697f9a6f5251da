#!/usr/bin/env bash
# achkit calls a bank's file of returned payments wrong, and reads the reason of a return as a note.
#
# Versions   PyPI achkit 0.2.0 · npm achkit 0.2.0 (Node 20)
# Guess      "Returns and NOC included", "validate … runs on any file": a right file of returns is right, and a returned payment has
#            its reason and the number of the payment that came back
# Seen       one payout of 4999.00 to a customer (transaction code 21) and one collected payment of 2500.00 (26) come back; the
#            control records hold 4999.00 and 2500.00, as Nacha's rules want:
#              validate      ok: false, "total debit 250000 != 0", "total credit 499900 != 0", in the batch and in the file
#              parse         {type: "99", info: "R01011401530000001      09100001…", entry_detail_sequence: "0000001"}
#            The codes of returns count for nothing in the sums. The addenda record of a return is cut at the places of one of
#            remittance. R51, R61 to R77 and others have no description. Python and JavaScript agree.
# So         a shop that lets `validate` decide refuses each file of returns: the bounced payment stays paid, and the payout that
#            came back is never made again. Leave the four messages about sums out, and cut the reason from the line.
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check achkit==0.2.0
npm install --silent --no-audit --no-fund --prefix "$work" achkit@0.2.0 >/dev/null
cat >returns.py <<'PY'
from achkit import describe_return, parse, validate

SHOP, BANK = "011401533", "091000019"


def returned(number, code, cents, order, name, reason):
    trace = f"{BANK[:8]}{number:07d}"
    account, original = f"{700 + number}", f"{SHOP[:8]}{number:07d}"
    yield f"6{code}{SHOP}{account:17}{cents:010d}{order:15}{name:22}  1{trace}"
    yield f"799{reason}{original}{'':6}{BANK[:8]}{'':44}{trace}"


debit, credit, checksum = 250000, 499900, 2 * int(SHOP[:8])
lines = [
    f"101 {SHOP} {BANK}2611290900A094101{'SHOP BANK':23}{'CUSTOMERS BANK':23}{'':8}",
    f"5200{'SHOP':36}1234567890PPD{'LESSONS':10}{'':6}261130   1{BANK[:8]}0000001",
    *returned(1, "21", credit, "ORDER-1", "Asha Rai", "R03"),
    *returned(2, "26", debit, "ORDER-2", "Bina Rai", "R01"),
    f"8200000004{checksum:010d}{debit:012d}{credit:012d}1234567890{'':25}{BANK[:8]}0000001",
    f"900000100000100000004{checksum:010d}{debit:012d}{credit:012d}{'':39}",
]
lines += ["9" * 94] * (10 - len(lines))
assert {len(line) for line in lines} == {94}
text = "\n".join(lines) + "\n"
with open("returns.ach", "w") as file:
    file.write(text)
checked = validate(text)
print("Python", checked["ok"])
for error in checked["errors"]:
    print(" ", error["field"], error["message"])
for entry in parse(text)["batches"][0]["entries"]:
    (addenda,) = entry["addenda"]
    print(" ", entry["txn_code"], " ".join(addenda.pop("info").split()), addenda)
print("  described:", *(f"{code} {describe_return(code)}" for code in ("R01", "R51", "R61", "R67")), sep="\n    ")
PY
cat >returns.mjs <<'JS'
import { readFileSync } from "node:fs";
import { validate } from "achkit";

const { ok, errors } = validate(readFileSync("returns.ach", "utf8"));
console.log("JavaScript", ok, errors.length);
JS
seen=$(python/bin/python returns.py; node returns.mjs)
echo "$seen"
[[ "$seen" == "Python False
  batch 1 control total debit 250000 != 0
  batch 1 control total credit 499900 != 0
  file control total debit 250000 != 0
  file control total credit 499900 != 0
  21 R03011401530000001 09100001 0910 {'type': '99', 'sequence': 1, 'entry_detail_sequence': '0000001'}
  26 R01011401530000002 09100001 0910 {'type': '99', 'sequence': 1, 'entry_detail_sequence': '0000002'}
  described:
    R01 Insufficient funds
    R51 None
    R61 None
    R67 None
JavaScript false 4" ]] || { echo "The behaviour has changed." >&2; exit 1; }
