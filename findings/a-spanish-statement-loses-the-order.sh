#!/usr/bin/env bash
# Readers of Norma 43, the statement of Spain's banks, lose the order's number, put payments into 2030, or refuse a file with dollars in it.
#
# Versions   PyPI csb43 1.1.0 · PyPI norma43 0.1.4 · PyPI norma43parser 1.1.2 · PyPI aeb43 0.2.1
# Guess      each reads a statement with payments of 5, 27 and 30 November 2026 that csb43's strict mode accepts, and a conversion to OFX
#            keeps the text that a buyer wrote
# Seen       csb43 to OFX      a SEPA transfer's memo is its fields by name, the sender's first, cut after 100 characters: no ORDER-1234;
#                              the closing balance is of the statement's first day; a FITID is the day and a count within the file, so
#                              two files of one day repeat it
#            norma43           a text of two halves of a record gets a blank between them: ORDER-5678 is "ORDER-56 78"
#            norma43parser     2005-11-26, 2027-11-26, 2030-11-26: its default, DateFormat.SPANISH, is not how Norma 43 writes dates
#            a payment from dollars (a record 24): ValueError in norma43parser, an AssertionError without a text in aeb43
# So         no transfer is found by its order, the second file of a day is dropped as known, and a balance that is asserted fails. Read
#            Norma 43 by its columns, without a detour through OFX, and join the halves of a record 23 before they are trimmed.
# Tried      2026-11-30
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check csb43==1.1.0 norma43==0.1.4 norma43parser==1.1.2 aeb43==0.2.1
cat >read.py <<'PY'
import io
import re

from aeb43 import AEB43
from csb43.aeb43 import get_current_context, read_batch
from csb43.ofx.converter import convert_from_aeb43
from norma43 import Norma43Parser
import norma43parser


def statement(*payments):
    """A statement from 2 to 30 November of one account in EUR."""
    lines = [f"110049150000012345672611022611302{100000:014}9783{'SHOP':26}   "]
    for day, cents, texts, dollars in payments:
        lines.append(f"22    1500{day}{day}020692{cents:014}{'0' * 10}{'0' * 12}{'':16}")
        lines += [f"23{number:02}{text:76}" for number, text in enumerate(texts, 1)]
        if dollars:
            lines.append(f"2401840{dollars:014}{'':59}")
    total = sum(payment[1] for payment in payments)
    lines.append(f"33004915000001234567{0:05}{0:014}{len(payments):05}{total:014}2{100000 + total:014}978    ")
    lines.append(f"88{'9' * 18}{len(lines):06}{'':54}")
    assert {len(line) for line in lines} == {80}
    return "\n".join(lines) + "\n"


TRANSFER = ("261105", 499900, [f"{'SCHOOL OF MUSIC RAI AND DAUGHTERS SL':66}", "E2E-77", f"{'':8}ORDER-1234 LESSON 1", "", ""], None)
HALVES = ("261127", 9000, ["TRANSFERENCIA DE RAI CONCEPTO ORDER-5678 LESSON 2"], None)
DOLLARS = ("261130", 9250, ["FROM ABROAD ORDER-9"], 10000)


def ofx(*payments):
    with get_current_context().scope(strict=True):
        return str(convert_from_aeb43(read_batch(io.BytesIO(statement(*payments).encode()))))


def tried(read):
    try:
        return read()
    except (AssertionError, ValueError) as error:
        return repr(error)


for name in ("FITID", "NAME", "MEMO", "BALAMT", "DTASOF", "DTEND"):
    print("csb43 to OFX", name, re.findall(f"<{name}>(.*?)</", ofx(TRANSFER, HALVES, DOLLARS)))
print("csb43 to OFX has ORDER-1234, ORDER-5678, ORDER-9:", *[order in ofx(TRANSFER, HALVES, DOLLARS) for order in ("ORDER-1234", "ORDER-5678", "ORDER-9")])
print("csb43 to OFX, two files of a day", *[re.findall("<FITID>(.*?)</", ofx(payment)) for payment in (TRANSFER, ("261105", 9000, ["RAI ORDER-2"], None))])
with open("statement.n43", "w") as file:
    file.write(statement(TRANSFER, HALVES, DOLLARS))
print("norma43", Norma43Parser("statement.n43").parse()[0].transactions[1].full_description)
for name, payments in (("euros", (TRANSFER, HALVES, DOLLARS[:3] + (None,))), ("a payment from dollars", (TRANSFER, HALVES, DOLLARS))):
    text = statement(*payments)
    print("aeb43", name, tried(lambda: [str(payment.transaction_date) for payment in AEB43(io.StringIO(text)).accounts[0].transactions]))
    document = tried(lambda: norma43parser.Norma43Parser().parse(text))
    print("norma43parser", name, document if isinstance(document, str) else [str(line.transaction_date) for line in document.accounts[0].movement_lines])
PY
seen=$(LC_ALL=C python/bin/python read.py)
echo "$seen"
[[ "$seen" == "csb43 to OFX FITID ['0049-1500-08-0001234567-20261105-0', '0049-1500-08-0001234567-20261127-0', '0049-1500-08-0001234567-20261130-0']
csb43 to OFX NAME ['SCHOOL OF MUSIC RAI AND DAUGHTER', 'TRANSFERENCIA DE RAI CONCEPTO OR', 'FROM ABROAD ORDER-9']
csb43 to OFX MEMO ['originator_name=SCHOOL OF MUSIC RAI AND DAUGHTERS SL | originator_reference=E2E-77 | remitance_infor', \
'TRANSFERENCIA DE RAI CONCEPTO ORDER-56 | 78 LESSON 2', 'FROM ABROAD ORDER-9']
csb43 to OFX BALAMT ['6181.5']
csb43 to OFX DTASOF ['20261102']
csb43 to OFX DTEND ['20261130']
csb43 to OFX has ORDER-1234, ORDER-5678, ORDER-9: False False True
csb43 to OFX, two files of a day ['0049-1500-08-0001234567-20261105-0'] ['0049-1500-08-0001234567-20261105-0']
norma43 TRANSFERENCIA DE RAI CONCEPTO ORDER-56 78 LESSON 2
aeb43 euros ['2026-11-05', '2026-11-27', '2026-11-30']
norma43parser euros ['2005-11-26', '2027-11-26', '2030-11-26']
aeb43 a payment from dollars AssertionError()
norma43parser a payment from dollars ValueError('24 is not a valid LineType')" ]] || { echo "The behaviour has changed." >&2; exit 1; }
