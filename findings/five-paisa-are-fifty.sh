#!/usr/bin/env bash
# On a receipt that two packages for Nepal write, 1,234.05 rupees are 1,234.5, and 50,000.00 as a Decimal are 5,00,00,.00.
#
# Versions   PyPI nepali-number-to-word 0.1.3 · PyPI nepali-num2word 0.3.3 · PyPI digits-to-word-nepali 0.2.0 (right here)
# Guess      the figures of an amount have its paisa as two digits, agree with its words, and are the same for a refund; an amount is a
#            float or a Decimal, or one of them is refused
# Seen       nepali-number-to-word   1234.05 is one thousand two hundred thirty-four rupees, five paisa in words, and 1,234.5 in figures,
#                                    as 1234.50 would be; so are all of 1 to 9 paisa, 9000 of 100000 amounts. 1234.50 is 1,234.50
#                                    -1234.50, a refund, is -1,234 in figures and in words, -0.50 is 0
#            nepali-num2word         format_number of Decimal("50000.00") is 5,00,00,.00, and 12,34,.50 of Decimal("1234.50"); text and
#                                    float are 50,000 and 1,234.5. Its words name int and float, and convert_to_words refuses a Decimal
#            digits-to-word-nepali   five paisa are five paisa
# So         a receipt, or a cheque, has another amount in figures than in words, ten times as many paisa, and a refund loses its paisa.
#            Format the paisa with two digits, and the groups of rupees alone.
# Tried      2026-12-01
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check nepali-number-to-word==0.1.3 nepali-num2word==0.3.3 digits-to-word-nepali==0.2.0
cat >receipt.py <<'PY'
from decimal import Decimal

from digits_to_word_nepali import digit_to_nepali_words
from nepali_num2word import convert_to_words, format_number
from nepali_number_to_word import convert_to_nepali_numerals, convert_to_nepali_words

LATIN = str.maketrans("०१२३४५६७८९", "0123456789")


def figures(amount):
    return convert_to_nepali_numerals(amount).translate(LATIN).removesuffix(" /-")


five, fifty = "पाँच पैसा", "पचास पैसा"
for amount in (1234.05, 1234.50, -1234.50, -0.50):
    words = convert_to_nepali_words(amount)
    print("nepali-number-to-word", f"{amount:.2f}", "is", figures(amount), {"5 paisa": five in words, "50 paisa": fifty in words})
wrong = sum(float(figures(paisa / 100).replace(",", "")) != paisa / 100 for paisa in range(1, 100001))
print("nepali-number-to-word", wrong, "of 100000 amounts have other figures")
for amount in ("50000.00", "1234.50"):
    print("nepali-num2word", amount, *(format_number(kind(amount)) for kind in (Decimal, str, float)), sep=" | ")
    try:
        print(convert_to_words(Decimal(amount)))
    except TypeError as error:
        print("  in words:", type(error).__name__)
words = digit_to_nepali_words(1234.05, {"is_currency": True, "include_decimal": True})
print("digits-to-word-nepali 1234.05", {"5 paisa": words.endswith("पैसा पाँच"), "50 paisa": words.endswith("पैसा पचास")})
PY
seen=$(PYTHONUTF8=1 python/bin/python receipt.py)
echo "$seen"
[[ "$seen" == "nepali-number-to-word 1234.05 is 1,234.5 {'5 paisa': True, '50 paisa': False}
nepali-number-to-word 1234.50 is 1,234.50 {'5 paisa': False, '50 paisa': True}
nepali-number-to-word -1234.50 is -1,234 {'5 paisa': False, '50 paisa': False}
nepali-number-to-word -0.50 is 0 {'5 paisa': False, '50 paisa': False}
nepali-number-to-word 9000 of 100000 amounts have other figures
nepali-num2word | 50000.00 | 5,00,00,.00 | 50,000 | 50,000
  in words: TypeError
nepali-num2word | 1234.50 | 12,34,.50 | 1,234.5 | 1,234.5
  in words: TypeError
digits-to-word-nepali 1234.05 {'5 paisa': True, '50 paisa': False}" ]] || { echo "The behaviour has changed." >&2; exit 1; }
