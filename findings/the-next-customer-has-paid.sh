#!/usr/bin/env bash
# settleflow lets the second payment of one order pay another customer's, and calls a payout matched of which a tenth came.
#
# Version    PyPI settleflow 0.7.6
# Guess      a reconciliation of Razorpay's settlements with orders and with the bank: a payment that names its order pays that
#            order or none, currencies are compared, and what is exported as matched agrees in its amount
# Seen       two orders of 4999 on one day, A is paid twice, B is not          B "amount_date": no order is unpaid
#            order B of INR 4999, USD 4999.00 are paid for another order       B "amount_date"
#            orders 2026-1-11 of 4999 and 2026-11-1 of 900, paid exactly       both "amount_mismatch", each with the other's
#                                                                              payment: signs in a number are left out
#            a payout of 9733.00, of which the bank shows 973.30               the CSV for Tally: 9733.00, MATCHED
#            a payout at 22:00, credited on the next day by another reference  open on both sides
#            a withdrawal of 500.00                                            the CSV for Tally: -500.00, UNEXPECTED_CREDIT
# So         a customer who paid twice is not seen, and one who did not pay gets the goods. Take "amount_date" for a proposal
#            that a person looks at, and read `result.matched` by its status before it is exported.
# Tried      2026-11-30
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check settleflow==0.7.6
cat >settle.py <<'PY'
from datetime import date
from decimal import Decimal

from settleflow import (
    Txn, export_tally_csv, match, match_orders, match_settlements, parse_razorpay_recon, parse_razorpay_settlements,
)

DAY = date(2026, 12, 1)
NOON = 1796106600  # 12:00 in India on that day


def payment(identifier, order, rupees, currency="INR"):
    """A line of the gateway's report."""
    return {
        "entity_id": identifier, "type": "payment", "debit": 0, "credit": rupees * 100, "amount": rupees * 100,
        "currency": currency, "fee": 0, "tax": 0, "on_hold": False, "settled": True, "created_at": NOON,
        "settled_at": NOON + 86400, "settlement_id": "setl_1", "order_id": order,
    }


def orders(label, lines, expected):
    rows = [Txn(None, Decimal(amount), DAY, ref=ref) for ref, amount in expected]
    result = match_orders(parse_razorpay_recon({"items": lines}), rows)
    pairs = [f"{each.line.entity_id} for {each.line.order_id} pays {each.order.ref}: {each.status.value}"
             for each in result.matched]
    print(f"{label}: {', '.join(pairs)}; unpaid {[order.ref for order in result.unmatched_orders]}")


def tally(label, result):
    print(f"{label}:", *export_tally_csv(result).splitlines()[1:], sep="\n  ")


orders("paid twice", [payment("pay_1", "order_A", 4999), payment("pay_2", "order_A", 4999)],
       [("order_A", 4999), ("order_B", 4999)])
orders("dollars", [payment("pay_1", "order_A", 4999, "USD")], [("order_B", 4999)])
orders("numbers", [payment("pay_1", "2026-1-11", 4999), payment("pay_2", "2026-11-1", 900)],
       [("2026-11-1", 900), ("2026-1-11", 4999)])
tally("a tenth came", match([Txn("AXIS7", Decimal("9733.00"), DAY, "setl_1")], [Txn("AXIS7", Decimal("973.30"), DAY)]))
tally("a withdrawal", match([], [Txn("N1", Decimal("-500.00"), DAY)]))
payout = {"entity": "settlement", "id": "setl_1", "amount": 973300, "created_at": NOON + 36000, "utr": "AXIS7"}
payouts = parse_razorpay_settlements({"items": [payout]})
tally("credited on the next day", match_settlements(payouts, [Txn("N2", Decimal("9733.00"), date(2026, 12, 2))]))
PY
seen=$(python/bin/python settle.py)
echo "$seen"
[[ "$seen" == "paid twice: pay_1 for order_A pays order_A: exact, pay_2 for order_A pays order_B: amount_date; unpaid []
dollars: pay_1 for order_A pays order_B: amount_date; unpaid []
numbers: pay_1 for 2026-1-11 pays 2026-11-1: amount_mismatch, pay_2 for 2026-11-1 pays 2026-1-11: amount_mismatch; unpaid []
a tenth came:
  2026-12-01,setl_1,9733.00,AXIS7,MATCHED
a withdrawal:
  2026-12-01,N1,-500.00,N1,UNEXPECTED_CREDIT
credited on the next day:
  2026-12-01,setl_1,9733.00,,PENDING_BANK
  2026-12-02,N2,9733.00,N2,UNEXPECTED_CREDIT" ]] || { echo "The behaviour has changed." >&2; exit 1; }
