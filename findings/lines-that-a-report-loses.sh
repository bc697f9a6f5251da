#!/usr/bin/env bash
# One reader of MT942 leaves lines out without a word, another takes an expected payment for one that came.
#
# Versions   PyPI bankstatementparser 0.0.29 · PyPI bankstatementparser-loader-mt942 0.0.28 · PyPI camt053-loader-mt942 0.0.23
# Guess      a reader of MT942 knows the marks of its line 61 (C, D, RC, RD and, only there, EC and ED for expected) and the letter of
#            the currency that may follow, or refuses what it doesn't know
# Seen       one line each                              bankstatementparser    with its loader    camt053's loader
#              C4999,00      a credit                  4999.00                4999.00            4999.00 CRDT
#              CR4999,00     with EUR's third letter   4999.00                NOTHING            4999.00 CRDT
#              RC4999,00     a reversed credit         -4999.00               NOTHING            4999.00 CRDT, a reversal
#              EC4999,00     an expected credit        4999.00                NOTHING            an error
#            `create_parser` takes the loader as soon as it is installed. In ISO 20022 a reversal with CRDT is that of a debit: money in.
# So         installing a plugin makes payments and their reversals vanish; without it an order is delivered for a payment that is
#            only expected. Compare the lines with :90C: and :90D:, the bank's own count and sum.
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check bankstatementparser==0.0.29 camt053-loader-mt942==0.0.23 camt053==0.0.23
cat >read.py <<'PY'
import sys

import bankstatementparser
import camt053_loader_mt942

for mark in ("C", "CR", "RC", "EC"):
    text = f""":20:REPORT
:25:DE89370400440532013000
:28C:1/1
:34F:EUR0,
:13D:2611281200+0100
:61:2611281128{mark}4999,00NTRFORDER-1//BANK-1
:86:Order 1
:90D:0EUR0,
:90C:1EUR4999,00
"""
    with open("report.mt942", "w") as file:
        file.write(text)
    reader = bankstatementparser.create_parser("report.mt942")
    amounts = [str(row["amount"]) for row in reader.parse().to_dict("records")]
    print(mark, type(reader).__name__, *(amounts or ["nothing"]))
    if "camt053" in sys.argv:
        try:
            (entry,) = [entry for report in camt053_loader_mt942.parse_mt942(text).statements for entry in report.entries]
            print(mark, "camt053", entry.amount, entry.credit_debit_indicator, entry.status, "reversal", entry.reversal_indicator)
        except ValueError as error:
            print(mark, "camt053", error)
PY
without=$(python/bin/python read.py camt053)
python/bin/pip install --quiet --disable-pip-version-check bankstatementparser-loader-mt942==0.0.28
with=$(python/bin/python read.py)
seen="$without"$'\n'"$with"
echo "$seen"
[[ "$seen" == "C Mt942Parser 4999.00
C camt053 4999.00 CRDT BOOK reversal False
CR Mt942Parser 4999.00
CR camt053 4999.00 CRDT BOOK reversal False
RC Mt942Parser -4999.00
RC camt053 4999.00 CRDT BOOK reversal True
EC Mt942Parser 4999.00
EC camt053 Malformed :61: statement line '2611281128EC4999,00NTRFORDER-1//BANK-1'
C Mt942StatementParser 4999.00
CR Mt942StatementParser nothing
RC Mt942StatementParser nothing
EC Mt942StatementParser nothing" ]] || { echo "The behaviour has changed." >&2; exit 1; }
