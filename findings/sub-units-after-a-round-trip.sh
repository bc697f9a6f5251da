#!/usr/bin/env bash
# stockholm: two equal amounts of yen have 1,500 and 150,000 sub-units, and a trip through JSON turns the one into the other.
#
# Version    PyPI stockholm 0.5.7
# Guess      sub-units follow the currency's digits, or are always hundredths; equal amounts have equal ones
# Seen                                              sub_units     text
#              Money(1500, JPY)                     1500          1500 JPY
#              Money(1500, "JPY")                   150000        1500.00 JPY      equal to the first by ==
#              Money.from_json(first.as_json())     150000
#              Money.from_sub_units(1500, JPY)      1500          1500 JPY
#              Money.from_sub_units(1500, "JPY")    150000        15.00 JPY: a hundredth of what was paid
#              Money.from_sub_units(1235, "KWD")                  12.35 KWD (with KWD: 1.235)
#            A currency given as text, and one that was read from JSON, has two digits, whatever it is. A sum takes those of its left side.
#            Equal amounts have different hashes too.
# So         a gateway's integer becomes the right amount only where the developer imported the currency; tests with one process pass,
#            a queue between two makes yen a hundred times too much. `get_currency(code)` makes the object.
# Tried      2026-11-28
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check stockholm==0.5.7
cat >yen.py <<'PY'
from stockholm import Money, get_currency
from stockholm.currency import JPY, KWD

paid = Money(1500, JPY)
text = Money(1500, "JPY")
back = Money.from_json(paid.as_json())
for title, amount in (("object", paid), ("text", text), ("from JSON", back)):
    print(title, amount, amount.sub_units, amount == paid, hash(amount) == hash(paid))
print("sums", (paid + text).sub_units, (text + paid).sub_units)
for code, units, currency in (("JPY", 1500, JPY), ("KWD", 1235, KWD)):
    print(Money.from_sub_units(units, currency), "|", Money.from_sub_units(units, code), "|", Money.from_sub_units(units, get_currency(code)))
PY
seen=$(python/bin/python yen.py)
echo "$seen"
[[ "$seen" == "object 1500 JPY 1500 True True
text 1500.00 JPY 150000 True False
from JSON 1500.00 JPY 150000 True False
sums 3000 300000
1500 JPY | 15.00 JPY | 1500 JPY
1.235 KWD | 12.35 KWD | 1.235 KWD" ]] || { echo "The behaviour has changed." >&2; exit 1; }
