#!/usr/bin/env bash
# pycamt books an incoming payment as money out when the bank tells its fee, and a collective entry once for each payment in it.
#
# Versions   PyPI pycamt 1.1.1 · PyPI camt053 0.0.23
# Guess      a row's amount, currency and direction are the payment's, and the entry's where the payment has none; what is inside
#            charges belongs to charges; the rows of an entry add up to the entry
# Seen       camt.053.001.08, entries of money in (CRDT)                    pycamt                                camt053's entry
#              98.50, its payment tells a fee of 1.50                       1.50 EUR DBIT                         98.50 CRDT
#              98.50, the payment repeats 98.50 and tells the fee           98.50 EUR DBIT                        98.50 CRDT
#              98.50, the payment repeats CRDT as well                      98.50 EUR CRDT                        98.50 CRDT
#              100.00, paid as 110.00 USD (InstdAmt, then TxAmt)            110.00 EUR CRDT                       100.00 CRDT
#              100.00 of two payments, no amounts of theirs                 100.00 EUR CRDT, twice                100.00 CRDT
#              100.00 of two payments of 60.00 and 40.00                    60.00 and 40.00 EUR CRDT              100.00 CRDT
#            The first amount and the first direction found anywhere inside the payment's details are taken; both are optional there.
# So         an order that was paid is open, and the fee is an expense twice; sums in foreign currency are exchanged at 1. Compare the rows
#            with the entry, and the entries with the balances.
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --no-compile --disable-pip-version-check pycamt==1.1.1 camt053==0.0.23
cat >read.py <<'PY'
import camt053
from pycamt.parser import Camt053Parser

FEE = '<Chrgs><Rcrd><Amt Ccy="EUR">1.50</Amt><CdtDbtInd>DBIT</CdtDbtInd></Rcrd></Chrgs>'
EXCHANGED = '<AmtDtls><InstdAmt><Amt Ccy="USD">110.00</Amt></InstdAmt><TxAmt><Amt Ccy="EUR">100.00</Amt></TxAmt></AmtDtls>'


def payment(reference, amount=None, inside="", direction=""):
    told = f'<Amt Ccy="EUR">{amount}</Amt>' if amount else ""
    return f"<TxDtls><Refs><EndToEndId>{reference}</EndToEndId></Refs>{told}{direction}{inside}</TxDtls>"


def balance(kind, amount, day):
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
        f"<Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def statement(amount, payments):
    return (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>'
        "<GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-11-28T20:00:00Z</CreDtTm></GrpHdr>"
        "<Stmt><Id>S1</Id><CreDtTm>2026-11-28T20:00:00Z</CreDtTm><Acct><Id><IBAN>DE89370400440532013000</IBAN></Id></Acct>"
        + balance("OPBD", "0.00", "2026-11-28")
        + balance("CLBD", amount, "2026-11-28")
        + f'<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>'
        "<BookgDt><Dt>2026-11-28</Dt></BookgDt><ValDt><Dt>2026-11-28</Dt></ValDt><BkTxCd><Domn><Cd>PMNT</Cd>"
        "<Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>"
        f"<NtryDtls>{payments}</NtryDtls></Ntry></Stmt></BkToCstmrStmt></Document>"
    )


CASES = (
    ("plain", "98.50", payment("E1", "98.50")),
    ("fee", "98.50", payment("E1", inside=FEE)),
    ("fee, amount", "98.50", payment("E1", "98.50", FEE)),
    ("fee, amount, direction", "98.50", payment("E1", "98.50", FEE, "<CdtDbtInd>CRDT</CdtDbtInd>")),
    ("exchanged", "100.00", payment("E1", inside=EXCHANGED)),
    ("two without amounts", "100.00", payment("E1") + payment("E2")),
    ("two", "100.00", payment("E1", "60.00") + payment("E2", "40.00")),
)
for label, amount, payments in CASES:
    text = statement(amount, payments)
    rows = [f"{row['Amount']} {row['Currency']} {row['CreditDebitIndicator']}" for row in Camt053Parser(text).get_transactions()]
    (entry,) = [entry for each in camt053.parse_document(text).statements for entry in each.entries]
    print(label, "|", *rows, "|", entry.amount, entry.credit_debit_indicator)
PY
seen=$(python/bin/python read.py)
echo "$seen"
[[ "$seen" == "plain | 98.50 EUR CRDT | 98.50 CRDT
fee | 1.50 EUR DBIT | 98.50 CRDT
fee, amount | 98.50 EUR DBIT | 98.50 CRDT
fee, amount, direction | 98.50 EUR CRDT | 98.50 CRDT
exchanged | 110.00 EUR CRDT | 100.00 CRDT
two without amounts | 100.00 EUR CRDT 100.00 EUR CRDT | 100.00 CRDT
two | 60.00 EUR CRDT 40.00 EUR CRDT | 100.00 CRDT" ]] || { echo "The behaviour has changed." >&2; exit 1; }
