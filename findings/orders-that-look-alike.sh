#!/usr/bin/env bash
# beangulp writes a second customer's payment as a comment when somebody paid about as much within two days.
#
# Versions   PyPI beangulp 0.2.0 · PyPI beancount 3.2.3
# Guess      an imported entry is a duplicate of a booked one if day, account and amount are the same, and its text or link too; one
#            booked entry hides one imported entry
# Seen       the ledger has one payment, `2026-11-27 "order 1" 4999.00 NPR`; the bank's statement has five, and a plain importer,
#            which leaves the comparison as it is, writes
#              2026-11-27  order 1  4999.00     a comment, as it should
#              2026-11-28  order 2  4999.00     A COMMENT: "duplicate of" order 1
#              2026-11-29  order 3  5199.00     A COMMENT: within two days, and within 5 % of the amount
#              2026-11-29  order 4  5299.00     an entry
#              2026-11-30  order 5  4999.00     an entry
#            The text of the two is not compared, nor are links or metadata; all three point at the same booked entry. The 5 % is told in
#            the function's own text. Without `-e` nothing is a comment.
# So         in a shop with fixed prices most payments look alike: those after the first vanish at the next import, and only a `balance`
#            line tells. Give the importer a `cmp` of its own that compares the bank's reference.
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check beangulp==0.2.0 beancount==3.2.3
cat >bank.py <<'PY'
import csv
import datetime
from decimal import Decimal

import beangulp
from beancount.core import data
from beancount.core.amount import Amount


class Bank(beangulp.Importer):
    def identify(self, path):
        return path.endswith(".csv")

    def account(self, path):
        return "Assets:Bank"

    def extract(self, path, existing):
        entries = []
        with open(path) as file:
            for number, (day, order, paid) in enumerate(csv.reader(file)):
                posting = data.Posting("Assets:Bank", Amount(Decimal(paid), "NPR"), None, None, None, None)
                meta = data.new_metadata(path, number)
                entries.append(data.Transaction(meta, datetime.date.fromisoformat(day), "*", None, order, frozenset(), frozenset(), [posting]))
        return entries


if __name__ == "__main__":
    beangulp.Ingest([Bank()])()
PY
cat >statement.csv <<'CSV'
2026-11-27,order 1,4999.00
2026-11-28,order 2,4999.00
2026-11-29,order 3,5199.00
2026-11-29,order 4,5299.00
2026-11-30,order 5,4999.00
CSV
cat >ledger.beancount <<'LEDGER'
2026-01-01 open Assets:Bank NPR
2026-01-01 open Income:Sales NPR
2026-11-27 * "order 1"
  Assets:Bank    4999.00 NPR
  Income:Sales  -4999.00 NPR
LEDGER
python/bin/python bank.py extract -e ledger.beancount statement.csv >with 2>/dev/null
python/bin/python bank.py extract statement.csv >without 2>/dev/null
seen=$(grep -o '.*2026.*"' with; echo "pointing at order 1: $(grep -c 'duplicate of .*ledger.beancount:3$' with)"; echo "without -e: $(grep -c '^2026' without)")
echo "$seen"
[[ "$seen" == '; 2026-11-27 * "order 1"
; 2026-11-28 * "order 2"
; 2026-11-29 * "order 3"
2026-11-29 * "order 4"
2026-11-30 * "order 5"
pointing at order 1: 3
without -e: 5' ]] || { echo "The behaviour has changed." >&2; exit 1; }
