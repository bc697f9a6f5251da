#!/usr/bin/env bash
# bankstatementparser gives payments that a bank has only announced as payments that it has booked.
#
# Versions   PyPI bankstatementparser 0.0.29 · PyPI camt053 0.0.23
# Guess      a reader of a bank's report of the day (camt.052) gives the status of an entry, or leaves out what isn't booked
# Seen       three entries of 4999.00 EUR: ORDER-1 booked (BOOK), ORDER-2 pending (PDNG), ORDER-3 for information (INFO)
#              camt053                    BOOK, PDNG, INFO in `status`
#              bankstatementparser        three rows that differ in their text alone; there is no status
#              the rows' sum              14997.00, beside the bank's own balance of 4999.00 in the same file
#            The same in CamtParser, for camt.053. Both files are valid by the schemas of ISO 20022 that camt053 brings.
# So         the order is delivered for a payment that the bank may drop, and the payment counts twice when it is booked next day.
#            Read `Sts` yourself, or compare the sum with the balance.
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check bankstatementparser==0.0.29 camt053==0.0.23
cat >report.py <<'PY'
import bankstatementparser
import camt053
from camt053 import services

DAY = "<BookgDt><Dt>2026-11-28</Dt></BookgDt><ValDt><Dt>2026-11-28</Dt></ValDt>"
CODE = "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>"


def entry(status, text=None):
    details = f"<NtryDtls><TxDtls><RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls></NtryDtls>" if text else ""
    amount = '<Amt Ccy="EUR">4999.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
    return f"<Ntry>{amount}<Sts><Cd>{status}</Cd></Sts>{DAY}{CODE}{details}</Ntry>"


def report(kind, outer, inner, *entries):
    account = "<Acct><Id><IBAN>DE89370400440532013000</IBAN></Id><Ccy>EUR</Ccy></Acct>"
    head = "<GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-11-28T12:00:00</CreDtTm></GrpHdr>"
    start = f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{kind}.001.08"><{outer}>{head}<{inner}><Id>1</Id>'
    balance = "<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp>"
    balance += '<Amt Ccy="EUR">4999.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-28</Dt></Dt></Bal>'
    return f"{start}<CreDtTm>2026-11-28T12:00:00</CreDtTm>{account}{balance}{''.join(entries)}</{inner}></{outer}></Document>"


payments = [entry("BOOK", "ORDER-1"), entry("PDNG", "ORDER-2"), entry("INFO", "ORDER-3")]
for kind, outer, inner, parser in (
    ("camt.052", "BkToCstmrAcctRpt", "Rpt", bankstatementparser.Camt052Parser),
    ("camt.053", "BkToCstmrStmt", "Stmt", bankstatementparser.CamtParser),
):
    text = report(kind, outer, inner, *payments)
    with open(f"{kind}.xml", "w") as file:
        file.write(text)
    statuses = [item.status for item in camt053.parse_statement(text).entries]
    print(kind, "valid", services.validate_statement(text)["valid"], "camt053", statuses)
    reader = parser(f"{kind}.xml")
    table = reader.parse()
    rows = table.to_dict("records")
    differing = [name for name in table.columns if len({str(row[name]) for row in rows}) > 1]
    print(kind, "bankstatementparser", len(rows), "rows that differ in", differing, "sum", sum(table["Amount"]))
PY
seen=$(python/bin/python report.py)
echo "$seen"
[[ "$seen" == "camt.052 valid True camt053 ['BOOK', 'PDNG', 'INFO']
camt.052 bankstatementparser 3 rows that differ in ['Reference', 'description'] sum 14997.00
camt.053 valid True camt053 ['BOOK', 'PDNG', 'INFO']
camt.053 bankstatementparser 3 rows that differ in ['Reference'] sum 14997.00" ]] || { echo "The behaviour has changed." >&2; exit 1; }
