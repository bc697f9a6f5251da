#!/usr/bin/env bash
# num2words writes one rupee for the amount 100 and a hundred rupees for 100.0; the package that replaces it writes a hundred for both.
#
# Versions   PyPI num2words 0.5.14 · PyPI num2words2 1.0.20
# Guess      equal numbers have equal words: 100, 100.0, Decimal(100) and "100" are a hundred rupees on an invoice
# Seen       num2words(…, to="currency", currency="INR", lang="en_IN")
#                                   num2words                          num2words2
#              100                  one rupee, zero paise              one hundred rupees
#              Decimal("100")       one hundred rupees, zero paise     one hundred rupees
#              "100"                one hundred rupees, zero paise     one hundred rupees
#              250000               two thousand, five hundred …       two lakh, fifty thousand rupees
#              Decimal("4.999")     five rupees, zero paise            four rupees, ninety-nine point nine paise
#            In num2words an `int` is an amount of the smallest unit and everything else one of the currency.
#            NPR and, in num2words, JPY and KWD are NotImplementedError, so the numbers that look most alike are the ones that work.
# So         an invoice for a round price has the hundredth in words, and the words count where figures and words differ. Turn amounts
#            into a Decimal of two digits first; a move to num2words2 is right for those and a hundredfold for code that gave paise.
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check num2words==0.5.14 num2words2==1.0.20
cat >words.py <<'PY'
import warnings
from decimal import Decimal

import num2words
import num2words2

warnings.simplefilter("ignore")
for module in (num2words, num2words2):
    for amount in (100, 100.0, Decimal("100"), "100", 250000, Decimal("4.999")):
        print(module.__name__, repr(amount), module.num2words(amount, to="currency", currency="INR", lang="en_IN"), sep=": ")
PY
seen=$(python/bin/python words.py)
echo "$seen"
[[ "$seen" == "num2words: 100: one rupee, zero paise
num2words: 100.0: one hundred rupees, zero paise
num2words: Decimal('100'): one hundred rupees, zero paise
num2words: '100': one hundred rupees, zero paise
num2words: 250000: two thousand, five hundred rupees, zero paise
num2words: Decimal('4.999'): five rupees, zero paise
num2words2: 100: one hundred rupees
num2words2: 100.0: one hundred rupees, zero paise
num2words2: Decimal('100'): one hundred rupees
num2words2: '100': one hundred rupees
num2words2: 250000: two lakh, fifty thousand rupees
num2words2: Decimal('4.999'): four rupees, ninety-nine point nine paise" ]] || { echo "The behaviour has changed." >&2; exit 1; }
