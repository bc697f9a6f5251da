#!/usr/bin/env bash
# No way to write India's or Nepal's time in an OFX statement is read alike by two readers, and one moves entries to the day before.
#
# Versions   PyPI ofxparse 0.21 · PyPI ofxtools 1.1.1
# Guess      both read the offset behind a time as a fraction of hours, or both as hours and minutes, and give the same instant
# Seen       00:15 on 28 November 2026, in UTC (right: 18:45 on the 27th in India, 18:30 in Nepal):
#                              ofxparse    ofxtools
#              [+5.50:IST]     18:45       18:25: fifty minutes
#              [+5.30:IST]     18:57       18:45: "5.3 hours" by the other
#              [+5.5:IST]      18:45       refused: OFXSpecError
#              [5.75:NPT]      18:30       18:00
#              [5.45:NPT]      18:48       18:30
#            OFX writes fractional offsets with two digits behind a point. ofxparse's times are in UTC without saying so, and an
#            entry dated with a day alone (20261128) keeps its day: so the list has two clocks.
# So         of two entries of the 28th one has the date of the 27th, and a day's total is wrong by all sales before 05:30. Where offsets are
#            whole hours both agree. Take the first eight digits of DTPOSTED: that is the bank's day.
# Tried      2026-11-28
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check ofxparse==0.21 ofxtools==1.1.1 2>/dev/null
cat >offsets.py <<'PY'
import io
import warnings

warnings.simplefilter("ignore")
import ofxparse
from ofxtools.Parser import OFXTree

STATEMENT = """OFXHEADER:100
DATA:OFXSGML
VERSION:102
SECURITY:NONE
ENCODING:USASCII
CHARSET:1252
COMPRESSION:NONE
OLDFILEUID:NONE
NEWFILEUID:NONE

<OFX><SIGNONMSGSRSV1><SONRS><STATUS><CODE>0<SEVERITY>INFO</STATUS><DTSERVER>20261128120000<LANGUAGE>ENG</SONRS></SIGNONMSGSRSV1>
<BANKMSGSRSV1><STMTTRNRS><TRNUID>1<STATUS><CODE>0<SEVERITY>INFO</STATUS>
<STMTRS><CURDEF>INR<BANKACCTFROM><BANKID>1<ACCTID>123456789<ACCTTYPE>CHECKING</BANKACCTFROM>
<BANKTRANLIST><DTSTART>20261101<DTEND>20261130
<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>{}<TRNAMT>100.00<FITID>A1<NAME>order</STMTTRN>
</BANKTRANLIST><LEDGERBAL><BALAMT>1000.00<DTASOF>20261128</LEDGERBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>
"""


def by_ofxparse(file):
    return ofxparse.OfxParser.parse(file).account.statement.transactions[0].date


def by_ofxtools(file):
    tree = OFXTree()
    tree.parse(file)
    return tree.convert().statements[0].transactions[0].dtposted


for posted in ("0015[+5.50:IST]", "0015[+5.30:IST]", "0015[+5.5:IST]", "0015[5.75:NPT]", "0015[5.45:NPT]", ""):
    day = "20261128" + posted.replace("0015", "001500")
    seen = []
    for reader in (by_ofxparse, by_ofxtools):
        try:
            seen.append(reader(io.BytesIO(STATEMENT.format(day).encode())).strftime("%d %H:%M"))
        except ValueError as error:
            seen.append(type(error).__name__)
    print(day, *seen)
PY
seen=$(python/bin/python offsets.py 2>/dev/null)
echo "$seen"
[[ "$seen" == "20261128001500[+5.50:IST] 27 18:45 27 18:25
20261128001500[+5.30:IST] 27 18:57 27 18:45
20261128001500[+5.5:IST] 27 18:45 OFXSpecError
20261128001500[5.75:NPT] 27 18:30 27 18:00
20261128001500[5.45:NPT] 27 18:48 27 18:30
20261128 28 00:00 28 00:00" ]] || { echo "The behaviour has changed." >&2; exit 1; }
