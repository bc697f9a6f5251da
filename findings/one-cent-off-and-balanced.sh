#!/usr/bin/env bash
# beancount accepts a balance that is a cent off, or ten, and a transaction that is half a cent off.
#
# Version    PyPI beancount 3.2.3
# Guess      amounts are decimals, so postings add up to zero and `balance` is compared exactly, to the digits that are written
# Seen       postings add up to 10098.00 NPR
#              balance 10098.01                       accepted          balance 10098.02       an error
#              balance 10098.1                        accepted          balance 10098.010      an error
#              balance 10099                          an error
#              4999.00 and -4998.995 in one transaction                 accepted
#              100.00 and -99.99                                        an error
#            The tolerance follows the last digit that is written: half of it in a transaction, all of it in `balance`, nothing for
#            a whole number. (It is documented, apart from `balance`.)
# So         a bank that took a fee of a cent is reconciled, and a share that was rounded to a tenth of a cent too. Write `10098.00 ~ 0`.
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check beancount==3.2.3
cat >ledger.py <<'PY'
from beancount import loader

ACCOUNTS = "2026-01-01 open Assets:Bank\n2026-01-01 open Income:Courses\n"


def order(paid, earned):
    return f'2026-11-28 * "Order"\n  Assets:Bank  {paid} NPR\n  Income:Courses  {earned} NPR\n'


def errors(*lines):
    return [type(error).__name__ for error in loader.load_string(ACCOUNTS + "\n".join(lines))[1]]


ORDERS = (order("4999.00", "-4999.00"), order("5099.00", "-5099.00"))
for amount in ("10098.01", "10098.02", "10098.1", "10098.010", "10099", "10098.01 ~ 0"):
    print("balance", amount, errors(*ORDERS, f"2026-11-29 balance Assets:Bank {amount} NPR"))
for paid, earned in (("4999.00", "-4998.995"), ("100.00", "-99.99")):
    print("order", paid, earned, errors(order(paid, earned)))
PY
seen=$(python/bin/python ledger.py)
echo "$seen"
[[ "$seen" == "balance 10098.01 []
balance 10098.02 ['BalanceError']
balance 10098.1 []
balance 10098.010 ['BalanceError']
balance 10099 ['BalanceError']
balance 10098.01 ~ 0 ['BalanceError']
order 4999.00 -4998.995 []
order 100.00 -99.99 ['ValidationError']" ]] || { echo "The behaviour has changed." >&2; exit 1; }
