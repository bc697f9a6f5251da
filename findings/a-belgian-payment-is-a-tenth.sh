#!/usr/bin/env bash
# codapy writes 49.90 as 4.99 into CODA, Belgium's statements; febelfin-coda reads that, but neither unknown value dates nor batches in full.
#
# Versions   PyPI codapy 0.3.28 (with six 1.17.0, which it needs and does not ask for) · PyPI febelfin-coda 0.5.0
# Guess      a Decimal is written by its value, amounts in CODA having three decimals; a statement by the standard of Febelfin is read, and
#            a buyer's structured reference is what was sent
# Seen       written by codapy, read by febelfin-coda, whose checks of the sums all pass:
#              49.900 -> 49.9        49.90 -> 4.99        1500 -> 1.5        49.90 and 50.10 -> 4.99 and 5.01, new balance 10
#            codapy keeps the digits of a Decimal and drops its scale.
#            febelfin-coda on statements of one payment of 49.90:
#              value date 000000 (not known)                       ValueError, and no payment of the file is read
#              the bank's total, a batch in it, two payments       AttributeError: 'Move' object has no attribute 'append'
#              (transaction types 2, 7 and 9)
#              RF18539007547034 as the structured reference        followed by 34 blanks; a reference of type 101 is trimmed
# So         test data made with codapy agrees with itself and is wrong by ten or a thousand: quantize each amount to 0.001 first. Split a
#            file into its statements before it is read, so that one that is refused does not take the others with it.
# Tried      2026-11-30
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check codapy==0.3.28 six==1.17.0 febelfin-coda==0.5.0
cat >coda_files.py <<'PY'
import datetime
import io
from decimal import Decimal

from coda import CODA
from pycoda.codafile import CodaFile
from pycoda.records import FinalRecord, InitialRecord, NewBalanceRecord, OldBalanceRecord, TransactionRecord

DAY = datetime.date(2026, 11, 30)
ACCOUNT = f"{'BE68539007547034':34}EUR"


def written(*amounts):
    """A statement of `amounts` as codapy writes it."""
    records = [
        InitialRecord(creation_date=DAY, bank_identification_number=539, addressee="SHOP", bic="GKCCBEBB"),
        OldBalanceRecord(account_structure=2, serial_number=1, account_number=ACCOUNT, balance_sign=0, old_balance=Decimal("0.000"), balance_date=DAY),
    ]
    records += [
        TransactionRecord(
            serial_number=number, detail_number=0, balance_sign=0, balance=amount, balance_date=DAY, transaction_code=4150000, reference_type=0,
            reference=f"ORDER-{number}", booking_date=DAY, bank_statement_serial_number=1, globalisation_code=0,
        )
        for number, amount in enumerate(amounts, 1)
    ]
    records += [
        NewBalanceRecord(serial_number=1, account_number=ACCOUNT, balance_sign=0, new_balance=sum(amounts), balance_date=DAY),
        FinalRecord(number_records=len(records), debit=Decimal("0.000"), credit=sum(amounts), has_sequence=False),
    ]
    return CodaFile(records).dumps("\n") + "\n"


def statement(*moves):
    """A statement of (detail number, cents, transaction code, communication, value date), by its columns."""
    lines = [
        f"0000030112653905{'':18}{'SHOP':26}{'GKCCBEBB':11}{0:011} {0:05}{'':39}2",
        f"12001{ACCOUNT}0{0:015}301126{'SHOP':26}{'':35}001",
    ]
    lines += [f"210001{detail:04}{'':21}0{cents * 10:015}{value}{code}{text:54}30112600100 0" for detail, cents, code, text, value in moves]
    lines += [f"8001{ACCOUNT}0{49900:015}301126{'':64}0", f"9{'':15}{len(moves) + 2:06}{0:015}{49900:015}{'':75}2"]
    assert {len(line) for line in lines} == {128}
    return "\n".join(lines) + "\n"


def read(text):
    try:
        (found,) = CODA(io.StringIO(text)).statements
    except (AttributeError, ValueError) as error:
        return repr(error)
    return [(str(move.amount), move.communication) for move in found.all_moves], str(found.new_balance)


for amounts in (["49.900"], ["49.90"], ["1500"], ["49.90", "50.10"]):
    print("codapy", *amounts, "->", read(written(*map(Decimal, amounts))))
print("value date", read(statement((0, 4990, "04150000", "0ORDER-1", "301126"))))
print("no value date", read(statement((0, 4990, "04150000", "0ORDER-1", "000000"))))
total = [(0, 4990, "24150000", "0TOTAL", "301126"), (1, 4990, "74150000", "0BATCH", "301126")]
print("batch", read(statement(*total)))
print("payments of the batch", read(statement(*total, (2, 2000, "94150000", "0ORDER-1", "301126"), (3, 2990, "94150000", "0ORDER-2", "301126"))))
print("reference of type 101", read(statement((0, 4990, "04150000", "1101123456789012", "301126"))))
print("reference of type 100", read(statement((0, 4990, "04150000", "1100RF18539007547034", "301126"))))
PY
seen=$(python/bin/python coda_files.py)
echo "$seen"
[[ "$seen" == "codapy 49.900 -> ([('49.9', 'ORDER-1')], '49.9')
codapy 49.90 -> ([('4.99', 'ORDER-1')], '4.99')
codapy 1500 -> ([('1.5', 'ORDER-1')], '1.5')
codapy 49.90 50.10 -> ([('4.99', 'ORDER-1'), ('5.01', 'ORDER-2')], '10')
value date ([('49.9', 'ORDER-1')], '49.9')
no value date ValueError(\"time data '000000' does not match format '%d%m%y'\")
batch ([('49.9', 'TOTAL'), ('49.9', 'BATCH')], '49.9')
payments of the batch AttributeError(\"'Move' object has no attribute 'append'\")
reference of type 101 ([('49.9', '123456789012')], '49.9')
reference of type 100 ([('49.9', 'RF18539007547034                                  ')], '49.9')" ]] || { echo "The behaviour has changed." >&2; exit 1; }
