#!/usr/bin/env bash
# bankstatementparser takes the availability of a payment in BAI2 for its reference, so two customers' payments are one.
#
# Versions   PyPI bankstatementparser 0.0.29 · PyPI bai2 0.15.0
# Guess      readers of BAI2 count the fields that belong to a payment's funds type, and find the references and the text after them
# Seen       two wires of 4999.00 on one day, WIRE-A for ORDER-1 and WIRE-B for ORDER-2, text "Rai, lesson 1" and "Rai, lesson 2":
#              funds type                    bankstatementparser's id, reference          its Deduplicator
#              0 (now)                       WIRE-A, ORDER-1       WIRE-B, ORDER-2        two payments
#              V,261130,0900 (on that day)   261130, 0900          261130, 0900           two payments
#              S,0,499900,0 (a day later)    0, 499900             0, 499900              "exact duplicates"
#            The text ends at its first comma or is a reference, and a line of continuation is left out. bai2 gives references and
#            the whole text in all three.
# So         no payment of a later day is found by its order, and the second customer's is put down as a repeat of the first.
#            bankstatementparser-loader-bai2, of the same project, counts the fields of V and S.
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check bankstatementparser==0.0.29 bai2==0.15.0
cat >wires.py <<'PY'
from bai2 import bai2
from bankstatementparser import Bai2Parser, Deduplicator

STATEMENT = """01,121000248,SHOP,261128,0600,1,80,,2/
02,SHOP,121000248,1,261127,2359,USD,2/
03,1234567890,USD,015,999800,,/
16,195,499900,{funds},WIRE-A,ORDER-1,Rai, lesson 1
88,on Monday
16,195,499900,{funds},WIRE-B,ORDER-2,Rai, lesson 2
49,1999600,5/
98,1999600,1,7/
99,1999600,1,9/
"""

for funds in ("0", "V,261130,0900", "S,0,499900,0"):
    text = STATEMENT.format(funds=funds)
    with open("statement.bai", "w") as file:
        file.write(text)
    print(f"funds type {funds}")
    for wire in bai2.parse_from_string(text).children[0].children[0].children:
        print("  bai2", wire.bank_reference, wire.customer_reference, repr(wire.text))
    table = Bai2Parser("statement.bai").parse()
    for wire in table.to_dict("records"):
        print("  bankstatementparser", wire["transaction_id"], wire["Reference"], repr(wire["description"]))
    dedup = Deduplicator()
    result = dedup.deduplicate(dedup.from_dataframe(table))
    duplicates = [len(group.transactions) for group in result.exact_duplicates]
    print("  payments", len(result.unique_transactions), "exact duplicates", duplicates)
PY
seen=$(python/bin/python wires.py)
echo "$seen"
[[ "$seen" == "funds type 0
  bai2 WIRE-A ORDER-1 'Rai, lesson 1 on Monday'
  bai2 WIRE-B ORDER-2 'Rai, lesson 2'
  bankstatementparser WIRE-A ORDER-1 'Rai'
  bankstatementparser WIRE-B ORDER-2 'Rai'
  payments 2 exact duplicates []
funds type V,261130,0900
  bai2 WIRE-A ORDER-1 'Rai, lesson 1 on Monday'
  bai2 WIRE-B ORDER-2 'Rai, lesson 2'
  bankstatementparser 261130 0900 'WIRE-A'
  bankstatementparser 261130 0900 'WIRE-B'
  payments 2 exact duplicates []
funds type S,0,499900,0
  bai2 WIRE-A ORDER-1 'Rai, lesson 1 on Monday'
  bai2 WIRE-B ORDER-2 'Rai, lesson 2'
  bankstatementparser 0 499900 '0'
  bankstatementparser 0 499900 '0'
  payments 0 exact duplicates [2]" ]] || { echo "The behaviour has changed." >&2; exit 1; }
