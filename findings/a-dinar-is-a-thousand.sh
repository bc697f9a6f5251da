#!/usr/bin/env bash
# csv2ofx reads three decimals as thousands, and gives two equal payments of a day one FITID.
#
# Version    PyPI csv2ofx 0.34.2
# Guess      a converter from CSV to OFX gives 4999.500 as 4999.50 and each line its own FITID, by which OFX tells repeats
# Seen       lines of a bank's CSV, with the converter's default names of columns:
#              Amount 4999.50       4999.50               Amount 4999.500      4999500.00
#              Amount 0.125         125.00                Amount 1.000         1000.00
#              Amount 12,500        12500.00              Amount 4,999.500     an error
#              two customers who paid 4999.00 for "Lesson" on one day          one FITID, no error
#            Each amount is looked at alone: three digits after the only dot or comma are thousands. The FITID is a hash of day,
#            amount and text unless the CSV has a column `Row` (or the mapping names one).
# So         a statement in dinars of Kuwait, Bahrain or Oman, or one with rates of three decimals, is a thousand times too much. An
#            importer that drops what it knows by FITID drops the second customer's payment. Name a column for `id` in a mapping.
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check csv2ofx==0.34.2
convert() {
  printf 'Date,Amount,Description,Account\n%s\n' "$1" >statement.csv
  python/bin/csv2ofx statement.csv 2>/dev/null | sed -n 's/^[[:space:]]*<\(TRNAMT\|FITID\)>\(.*\)<.*/\2/p'
}
seen=$(
  for amount in 4999.50 4999.500 0.125 1.000 12,500; do
    echo "$amount $(convert "2026-11-28,\"$amount\",Lesson,Shop" | head -1)"
  done
  echo "4,999.500 $(convert '2026-11-28,"4,999.500",Lesson,Shop' | head -1)"
  two=$'2026-11-28,4999.00,Lesson,Shop\n2026-11-28,4999.00,Lesson,Shop'
  echo "payments $(convert "$two" | grep -c '^4999.00$'), FITIDs $(convert "$two" | grep -v '^4999.00$' | sort -u | wc -l)"
)
echo "$seen"
[[ "$seen" == "4999.50 4999.50
4999.500 4999500.00
0.125 125.00
1.000 1000.00
12,500 12500.00
4,999.500 
payments 2, FITIDs 1" ]] || { echo "The behaviour has changed." >&2; exit 1; }
