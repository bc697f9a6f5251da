#!/usr/bin/env bash
# ofxparse gives a bank's correction of a payment as one more payment, and an amount in dollars as one in rupees.
#
# Versions   PyPI ofxparse 0.21 · PyPI ofxtools 1.1.1
# Guess      a reader of OFX gives what a line says about another one (CORRECTFITID, CORRECTACTION) and about its currency (CURRENCY), or
#            refuses what it does not know
# Seen       a statement in INR: A1 4999.00, A2 REPLACES A1 by 499.90, A3 2500.00, A4 DELETES A3, A5 100.00 in USD, A6 8350.00 (from USD)
#              ofxparse   six payments that come to 18948.90; no attribute of a transaction has the correction or the currency, and
#                         `fail_fast` (the default) finds nothing to complain about
#              ofxtools   correctfitid, correctaction, currency and origcurrency of each: 8849.90 INR and 100.00 USD
#            CURRENCY says what the amount is in, ORIGCURRENCY what it was before the bank changed it. JavaScript's ofx-js 1.1.1, ofx 0.5.0,
#            node-ofx-parser 0.5.1 and banking 1.2.0 give the tags as they are.
# So         what is built on ofxparse counts a corrected payment twice. Look for CORRECTFITID in the file itself, or use ofxtools.
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check ofxparse==0.21 ofxtools==1.1.1
cat >statement.ofx <<'OFX'
OFXHEADER:100
DATA:OFXSGML
VERSION:103
SECURITY:NONE
ENCODING:USASCII
CHARSET:1252
COMPRESSION:NONE
OLDFILEUID:NONE
NEWFILEUID:NONE

<OFX>
<SIGNONMSGSRSV1><SONRS><STATUS><CODE>0<SEVERITY>INFO</STATUS><DTSERVER>20261129120000<LANGUAGE>ENG</SONRS></SIGNONMSGSRSV1>
<BANKMSGSRSV1><STMTTRNRS><TRNUID>1<STATUS><CODE>0<SEVERITY>INFO</STATUS>
<STMTRS><CURDEF>INR
<BANKACCTFROM><BANKID>100000000<ACCTID>100001<ACCTTYPE>CHECKING</BANKACCTFROM>
<BANKTRANLIST><DTSTART>20261101<DTEND>20261129
<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20261127<TRNAMT>4999.00<FITID>A1<NAME>ORDER 1</STMTTRN>
<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20261127<TRNAMT>499.90<FITID>A2<CORRECTFITID>A1<CORRECTACTION>REPLACE<NAME>ORDER 1</STMTTRN>
<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20261128<TRNAMT>2500.00<FITID>A3<NAME>ORDER 2</STMTTRN>
<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20261128<TRNAMT>2500.00<FITID>A4<CORRECTFITID>A3<CORRECTACTION>DELETE<NAME>ORDER 2</STMTTRN>
<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20261129<TRNAMT>100.00<FITID>A5<NAME>ORDER 3<CURRENCY><CURRATE>83.5<CURSYM>USD</CURRENCY></STMTTRN>
<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20261129<TRNAMT>8350.00<FITID>A6<NAME>ORDER 4<ORIGCURRENCY><CURRATE>83.5<CURSYM>USD</ORIGCURRENCY></STMTTRN>
</BANKTRANLIST>
<LEDGERBAL><BALAMT>8849.90<DTASOF>20261129</LEDGERBAL>
</STMTRS></STMTTRNRS></BANKMSGSRSV1>
</OFX>
OFX
cat >read.py <<'PY'
from ofxparse import OfxParser
from ofxtools.Parser import OFXTree

with open("statement.ofx", "rb") as file:
    read = OfxParser.parse(file).account.statement.transactions
said = {str(value) for transaction in read for value in vars(transaction).values()}
print("ofxparse:", len(read), sum(transaction.amount for transaction in read))
print("says anywhere:", sorted(said & {"REPLACE", "DELETE", "USD", "A1", "A3"}))

tree = OFXTree()
tree.parse("statement.ofx")
lines = tree.convert().statements[0].transactions
gone = {line.correctfitid for line in lines if line.correctfitid} | {line.fitid for line in lines if line.correctaction == "DELETE"}
sums = {}
for line in lines:
    if line.fitid not in gone:
        currency = "INR" if line.currency is None else line.currency.cursym
        sums[currency] = sums.get(currency, 0) + line.trnamt
print("ofxtools:", " ".join(f"{amount} {currency}" for currency, amount in sums.items()))
PY
seen=$(python/bin/python -W ignore read.py)
echo "$seen"
[[ "$seen" == "ofxparse: 6 18948.90
says anywhere: ['A1', 'A3']
ofxtools: 8849.90 INR 100.00 USD" ]] || { echo "The behaviour has changed." >&2; exit 1; }
