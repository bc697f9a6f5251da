#!/usr/bin/env bash
# reconcile-mcp reads camt053's entries without order number, direction and status: nothing matches, or the refund of an order pays it.
#
# Versions   PyPI reconcile-mcp 0.0.7 · PyPI camt053 0.0.23
# Guess      the reconciler of a suite reads what the suite's own reader of CAMT writes, by the end-to-end id, and tells money in from out
# Seen       camt053's document               one record, the statement, without an amount
#            its entries                      the end-to-end id lies in details[], where it is not read; reference is the bank's number and
#                                             the id is made up (CAMT-0): none of three payments that name their orders is matched
#            the same with the order's id put in by hand, with a refund instead of each payment
#              ORDER-7  refund, DBIT          exact, confidence high
#              ORDER-8  pending, PDNG         exact, confidence high
#              ORDER-9  returned, reversal    exact, confidence high
#            fully_reconciled is True, though no money came
# So         orders are delivered for refunds, and a report says that all is settled. Give it credits that are booked, with the reference
#            from details[], and nothing else.
# Tried      2026-12-01
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check reconcile-mcp==0.0.7 camt053==0.0.23
cat >reconcile.py <<'PY'
import dataclasses

import camt053
from reconcile_mcp import adapters, engine


def entry(number, amount, direction, order, status="BOOK", reversal=False):
    return f"""<Ntry><NtryRef>{number}</NtryRef><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd>
      {"<RvslInd>true</RvslInd>" if reversal else ""}<Sts><Cd>{status}</Cd></Sts>
      <BookgDt><Dt>2026-11-05</Dt></BookgDt><ValDt><Dt>2026-11-05</Dt></ValDt>
      <BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>
      <NtryDtls><TxDtls><Refs><EndToEndId>{order}</EndToEndId></Refs><Amt Ccy="EUR">{amount}</Amt>
        <CdtDbtInd>{direction}</CdtDbtInd><RmtInf><Ustrd>{order}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"""


def statement(*entries):
    balances = "".join(
        f"""<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">1000.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>
        <Dt><Dt>2026-11-05</Dt></Dt></Bal>"""
        for code in ("OPBD", "CLBD")
    )
    return camt053.parse_document(
        f"""<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>
        <GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-11-05T20:00:00</CreDtTm></GrpHdr>
        <Stmt><Id>S1</Id><CreDtTm>2026-11-05T20:00:00</CreDtTm><Acct><Id><IBAN>DE89370400440532013000</IBAN></Id><Ccy>EUR</Ccy></Acct>
        {balances}{"".join(entries)}</Stmt></BkToCstmrStmt></Document>"""
    )


def expected(**orders):
    return [{"id": f"ORDER-{n[1:]}", "amount": amount, "currency": "EUR", "date": "2026-11-05", "reference": f"ORDER-{n[1:]}"} for n, amount in orders.items()]


def result(orders, observed):
    found = engine.reconcile(orders, observed)
    return found["summary"]["fully_reconciled"], [(m["expected"], m["observed"], m["type"], m["confidence"]) for m in found["matches"]]


ORDERS = expected(_7="90.00", _8="60.00", _9="50.00")
paid = statement(entry("B1", "90.00", "CRDT", "ORDER-7"), entry("B2", "60.00", "CRDT", "ORDER-8"), entry("B3", "50.00", "CRDT", "ORDER-9"))
print("document of camt053:", adapters.from_camt053(dataclasses.asdict(paid)))
observed = adapters.from_camt053([dataclasses.asdict(one) for one in paid.statements[0].entries])
print("paid, entries of camt053:", observed[0], result(ORDERS, observed))

unpaid = statement(
    entry("B1", "90.00", "DBIT", "ORDER-7"), entry("B2", "60.00", "CRDT", "ORDER-8", status="PDNG"), entry("B4", "50.00", "DBIT", "ORDER-9", reversal=True)
)
entries = [{**dataclasses.asdict(one), "reference": one.details[0].end_to_end_id} for one in unpaid.statements[0].entries]
print("unpaid:", [(one["reference"], one["credit_debit_indicator"], one["status"], one["reversal_indicator"]) for one in entries])
print("unpaid, by the order's number:", *result(ORDERS, adapters.from_camt053(entries)))
PY
seen=$(python/bin/python reconcile.py)
echo "$seen"
[[ "$seen" == "document of camt053: [{'id': 'S1', 'amount': None, 'currency': '', 'date': '', 'counterparty': '', 'reference': ''}]
paid, entries of camt053: {'id': 'CAMT-0', 'amount': '90.00', 'currency': 'EUR', 'date': '2026-11-05', 'counterparty': '', 'reference': 'B1'} (False, [])
unpaid: [('ORDER-7', 'DBIT', 'BOOK', False), ('ORDER-8', 'CRDT', 'PDNG', False), ('ORDER-9', 'DBIT', 'BOOK', True)]
unpaid, by the order's number: True [(['ORDER-7'], ['CAMT-0'], 'exact', 'high'), (['ORDER-8'], ['CAMT-1'], 'exact', 'high'), (['ORDER-9'], ['CAMT-2'], 'exact', 'high')]" ]] || { echo "The behaviour has changed." >&2; exit 1; }
