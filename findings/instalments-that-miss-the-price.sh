#!/usr/bin/env bash
# Three instalments of loanjs for 1000 end with "remain 0" and 10.18 unpaid; a plan of 0 % is an error or NaN for four packages of five.
#
# Versions   npm loanjs 1.1.2 · npm amortizejs 1.0.3
#            PyPI py-amortization 0.1.0 · PyPI emi-calculator 1.1 · PyPI amortization 3.0.1
# Guess      the instalments of a plan add up to the sum that it names, their capital to the price, and 0 % is a rate like others;
#            a plan that begins on a day names a day in each month for its payments
# Seen       1000 in three instalments
#                                 12 % a year                                             0 %
#              amortization       340.02 340.02 340.03                                    333.33 333.33 333.34
#              loanjs             3 × 340.02 = 1020.06, its sum is 1020.07                an error
#              loanjs annuityDue  3 × 336.66 = 1009.98, its sum is 1020.16, remain 0      an error
#              amortizejs         340.0221, not rounded                                   NaN, one payment
#              py-amortization    340.02 with 0.12; with 12 it is 1142.86                 ZeroDivisionError
#              emi-calculator     340.0221 with 12                                        ZeroDivisionError
#            loanjs for each price from 100.00 to 200.00 in steps of 1.00, in 3, 6 and 12 instalments of 12 %: in 262 of 303 plans
#            the capital of the instalments is not the price (up to 0.07).
#            amortizejs from 31 January on: payments on 31 January, 3 March and 3 April, end 3 May; so with 31 October.
# So         a shop without interest can't use four of five, and with loanjs the books never close. Split the price in cents, put
#            the rest into the last instalment, and take the dates from a calendar.
# Tried      2026-11-30
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --prefix "$work" loanjs@1.1.2 amortizejs@1.0.3 >/dev/null
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check py-amortization==0.1.0 emi-calculator==1.1 amortization==3.0.1
cat >plans.js <<'JS'
process.env.TZ = "UTC";
const { Loan } = require("loanjs");
const { Calculator } = require("amortizejs");

const cents = (amount) => Math.round(amount * 100);
const total = (plan, field) => plan.installments.reduce((sum, each) => sum + cents(each[field]), 0);

for (const kind of ["annuity", "annuityDue"]) {
  const plan = new Loan(1000, 3, 12, kind);
  const paid = plan.installments.map((each) => each.installment);
  console.log(`loanjs ${kind}: ${paid.join(" ")} make ${total(plan, "installment") / 100}, sum ${plan.sum}, ` +
    `capital ${total(plan, "capital") / 100}, remain ${plan.installments.at(-1).remain}`);
  try {
    new Loan(1000, 3, 0, kind);
  } catch (error) {
    console.log(`loanjs ${kind} of 0 %: ${typeof error}: ${error}`);
  }
}
let plans = 0;
const differences = [];
for (let price = 100; price <= 200; price++) {
  for (const count of [3, 6, 12]) {
    const difference = Math.abs(total(new Loan(price, count, 12, "annuity"), "capital") - price * 100);
    plans++;
    if (difference !== 0) differences.push(difference);
  }
}
console.log(`loanjs: ${differences.length} of ${plans} plans, up to ${Math.max(...differences)} cents`);

const plan = (apr, startDate) => Calculator.calculate({ method: "mortgage", apr, balance: 1000, loanTerm: 3, startDate });
for (const apr of [12, 0]) {
  console.log(`amortizejs of ${apr} %: ${plan(apr).periodicPayment.toFixed(4)}, payments ${plan(apr).schedule.length}`);
}
for (const start of ["2026-01-31", "2026-10-31"]) {
  const { schedule, endDate } = plan(12, new Date(start));
  const days = schedule.map((each) => new Date(each.date).toISOString().slice(0, 10));
  console.log(`amortizejs from ${start}: ${days.join(" ")} end ${new Date(endDate).toISOString().slice(0, 10)}`);
}
JS
cat >plans.py <<'PY'
from amortization import amortization_schedule
from emi import emi_calculator
from py_amortization import AmortizationAmount


def attempt(label, plan):
    try:
        print(f"{label}:", plan())
    except ZeroDivisionError as error:
        print(f"{label}: {type(error).__name__}")


for rate in (0.12, 0):
    attempt(f"amortization of {rate}", lambda: " ".join(f"{row[1]:.2f}" for row in amortization_schedule(1000, rate, 3)))
for rate in (12, 0.12, 0):
    attempt(f"py-amortization of {rate}", lambda: AmortizationAmount(1000, rate).monthly(period=3))
for rate in (12, 0):
    attempt(f"emi-calculator of {rate}", lambda: f"{emi_calculator(1000, rate, 3):.4f}")
PY
seen=$(
  node plans.js
  python/bin/python plans.py
)
echo "$seen"
[[ "$seen" == "loanjs annuity: 340.02 340.02 340.02 make 1020.06, sum 1020.07, capital 999.99, remain 0
loanjs annuity of 0 %: object: Error: wrong parameters: 1000 3 0
loanjs annuityDue: 336.66 336.66 336.66 make 1009.98, sum 1020.16, capital 989.82, remain 0
loanjs annuityDue of 0 %: object: Error: wrong parameters: 1000 3 0
loanjs: 262 of 303 plans, up to 7 cents
amortizejs of 12 %: 340.0221, payments 3
amortizejs of 0 %: NaN, payments 1
amortizejs from 2026-01-31: 2026-01-31 2026-03-03 2026-04-03 end 2026-05-03
amortizejs from 2026-10-31: 2026-10-31 2026-12-01 2027-01-01 end 2027-02-01
amortization of 0.12: 340.02 340.02 340.03
amortization of 0: 333.33 333.33 333.34
py-amortization of 12: 1142.86
py-amortization of 0.12: 340.02
py-amortization of 0: ZeroDivisionError
emi-calculator of 12: 340.0221
emi-calculator of 0: ZeroDivisionError" ]] || { echo "The behaviour has changed." >&2; exit 1; }
