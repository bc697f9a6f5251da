#!/usr/bin/env bash
# A currency's digits by CLDR (Babel, every `Intl`) are not its minor digits by ISO 4217: minor units off by 100 or 1000.
#
# Versions   PyPI Babel 2.19.0 · PyPI iso4217 1.16.20260101 (the list of SIX) · PyPI py-moneyed 3.0
# Guess      `get_currency_precision` is ISO 4217's exponent, perhaps but for a coin or two that nobody mints any more
# Seen       15 currencies differ, among them ones that card schemes settle: COP, HUF, IDR, IQD. CLDR says how many digits people write,
#            ISO how many digits a payment message has:
#              IDR  iso4217 2   py-moneyed 2   Babel 0        IQD  iso4217 3   py-moneyed 3   Babel 0
#            py-moneyed holds ISO's digits and prints CLDR's: 499900 minor units of IDR (4999.00) print as "IDR4,999", and
#            1.25 IQD as "IQD1".
#            Node 20.20.2 (ICU 78.2) gives CLDR's digits too, although ECMA-402 speaks of ISO 4217, and another release of them: PKR
#            has 0 there and 2 in Babel 2.19.0.
# So         10 ** digits from a formatting library turns minor units into the wrong amount, silently, in some currencies only, and
#            differently after an update of locale data. For NPR and INR all agree.
# Tried      2026-11-28
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check Babel==2.19.0 iso4217==1.16.20260101 py-moneyed==3.0
cat >digits.py <<'PY'
import babel.numbers
import iso4217
import moneyed
from moneyed.l10n import format_money

iso = {currency.code: currency.exponent for currency in iso4217.Currency if currency.exponent is not None}
cldr = {code: babel.numbers.get_currency_precision(code) for code in iso}
print("differ:", *sorted(code for code in iso if iso[code] != cldr[code]))
for code in ("IDR", "IQD", "NPR", "INR"):
    print(code, iso[code], len(str(moneyed.get_currency(code).sub_unit)) - 1, cldr[code])
print(format_money(moneyed.Money("4999.00", "IDR"), locale="en_US").replace("\xa0", ""))
print(format_money(moneyed.Money("1.25", "IQD"), locale="en_US").replace("\xa0", ""))
PY
seen=$(python/bin/python digits.py)
echo "$seen"
[[ "$seen" == "differ: AFN ALL COP HUF IDR IQD IRR KPW LAK LBP MGA MMK SOS SYP YER
IDR 2 2 0
IQD 3 3 0
NPR 2 2 2
INR 2 2 2
IDR4,999
IQD1" ]] || { echo "The behaviour has changed." >&2; exit 1; }
