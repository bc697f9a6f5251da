#!/usr/bin/env bash
# Of a German bank's MT940 a Beancount importer keeps neither payer nor text, and a converter to CAMT loses plain texts or the whole file.
#
# Versions   PyPI beangulp-mt940 0.2.0 (beangulp 0.2.0, beancount 3.2.3) · PyPI mt-940 5.1.1 · PyPI x940 0.1.1 · PyPI bankfile 0.2.0
# Guess      a payment's payer, text and order number, which a bank writes into field 86 in the fields ?20 to ?33 that all German banks
#            use, come out of each reader, and what is plain text there too
# Seen       mt-940          the payer's name is the IBAN with the name: DE89370400440532013000RAI; a reference KREF+7 in field 86 is put behind
#                            the one of field 61: "NONREF\n7"
#            beangulp-mt940  a draft of such a payment has no payee and no narration, and no rule of payee_rules matches it: one posting of
#                            50.00, though "the full :86: details" are compared. A plain text is all there
#            bankfile        name and account are right; reference is the order's number, but "NONREF\n7" where there is a KREF+ as well
#            x940            a file that ends each statement with "-", as SWIFT does: ValueError: Invalid amount '1190,00-'. Without that line
#                            a plain text is missing in to_camt053() and to_csv(), with the payer and the order, and an order's number that
#                            crosses two fields is cut: "ORDER- 12345678"
# So         no payment finds its order, and each one is sorted by hand. Read field 86 itself, and join ?20 to ?29 without a blank.
# Tried      2026-12-01
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check beangulp-mt940==0.2.0 beangulp==0.2.0 beancount==3.2.3 mt-940==5.1.1 x940==0.1.1 bankfile==0.2.0
cat >read.py <<'PY'
import bankfile
import mt940
import x940
from beangulp_mt940 import Importer

LINES = [
    ":20:STARTUMS", ":25:50010517/5407324931", ":28C:00011/001", ":60F:C261101EUR1000,00",
    ":61:2611051105CR50,00NTRFNONREF//2611050012345",
    ":86:166?00GUTSCHRIFT?20EREF+ORDER-12345678?21KREF+7?22SVWZ+Lesson of music ORDER-?2312345678?30COBADEFFXXX?31DE89370400440532013000?32RAI",
    ":61:2611061106CR50,00NTRFNONREF//2611060012346",
    ":86:166?00GUTSCHRIFT?20EREF+ORDER-9?21SVWZ+Lesson ORDER-9?30COBADEFFXXX?31DE89370400440532013000?32RAI",
    ":61:2611071107CR90,00NMSCNONREF//2611070012347",
    ":86:SAHA AND DAUGHTERS ORDER-3",
    ":62F:C261130EUR1190,00",
]
STATEMENT = "\r\n".join(LINES + ["-", ""])
with open("statement.sta", "w", newline="") as file:
    file.write(STATEMENT)

for payment in mt940.parse("statement.sta"):
    data = payment.data
    print("mt-940", [data.get(name) for name in ("applicant_name", "purpose", "end_to_end_reference", "customer_reference", "transaction_details")])
rules = [("ORDER-", "Income:Shop", "*"), ("RAI", "Income:Shop", "*")]
for draft in Importer("Assets:Bank", payee_rules=rules).extract("statement.sta", [])[:3]:
    print("beangulp-mt940", draft.flag, repr(draft.payee), repr(draft.narration), [(leg.account, str(leg.units)) for leg in draft.postings])
for payment in bankfile.parse("statement.sta").transactions:
    print("bankfile", [payment.counterparty_name, payment.counterparty_account, payment.reference, payment.purpose])
try:
    x940.MT940(STATEMENT)
except ValueError as error:
    print("x940", repr(error).replace('"', "|"))
statement = x940.MT940("\r\n".join(LINES) + "\r\n")
print("x940", [(payment.counterparty, payment.purpose, payment.details) for payment in statement.transactions][2])
print("x940", statement.transactions[0].purpose)
for name, text in (("camt", statement.to_camt053()), ("csv", statement.to_csv())):
    print("x940 to", name, {order: order in text for order in ("ORDER-12345678", "ORDER-9", "ORDER-3", "SAHA")})
PY
seen=$(python/bin/python read.py)
echo "$seen"
[[ "$seen" == "mt-940 ['DE89370400440532013000RAI', 'Lesson of music ORDER-12345678', 'ORDER-12345678', 'NONREF\n7', None]
mt-940 ['DE89370400440532013000RAI', 'Lesson ORDER-9', 'ORDER-9', None, None]
mt-940 [None, None, None, 'NONREF', 'SAHA AND DAUGHTERS ORDER-3']
beangulp-mt940 ! '' '' [('Assets:Bank', '50.00 EUR')]
beangulp-mt940 ! '' '' [('Assets:Bank', '50.00 EUR')]
beangulp-mt940 * 'SAHA AND DAUGHTERS ORDER-3' '' [('Assets:Bank', '90.00 EUR'), ('Income:Shop', '-90.00 EUR')]
bankfile ['RAI', 'DE89370400440532013000', 'NONREF\n7', 'Lesson of music ORDER-12345678']
bankfile ['RAI', 'DE89370400440532013000', 'ORDER-9', 'Lesson ORDER-9']
bankfile [None, None, 'NONREF', 'SAHA AND DAUGHTERS ORDER-3']
x940 ValueError(|Invalid amount '1190,00-' in tag (amount field)|)
x940 ('', '', 'SAHA AND DAUGHTERS ORDER-3')
x940 EREF+ORDER-12345678 KREF+7 SVWZ+Lesson of music ORDER- 12345678
x940 to camt {'ORDER-12345678': True, 'ORDER-9': True, 'ORDER-3': False, 'SAHA': False}
x940 to csv {'ORDER-12345678': True, 'ORDER-9': True, 'ORDER-3': False, 'SAHA': False}" ]] || { echo "The behaviour has changed." >&2; exit 1; }
