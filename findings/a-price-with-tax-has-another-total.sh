#!/usr/bin/env bash
# Three calculators of India's GST give totals that are not their parts: three books cost 154, and a price of 100.00 with its tax is 100.01.
#
# Versions   PyPI gstpy 0.1.3 · PyPI india-kit 0.1.0 · PyPI mcp-india-stack 0.6.9
# Guess      the total of a line is its price times its quantity plus its tax, a price that has the tax in it stays that price, and CGST
#            and SGST add up to the tax
# Seen       gstpy                three books at 100 with 18 %: tax 54.0, total 154.0, which is one book and the tax of three.
#                                 inclusive() is right: three at 118 are 354
#            mcp-india-stack      amount_includes_gst: 100.00 is 84.75 + 7.63 + 7.63 = 100.01, and of the prices from 1.00 to 1000.00 every
#                                 second one is a paisa off at 5, 12, 18 and 28 %, and with IGST at 18 % every seventh
#            india-kit            49.50 at 18 %: cgst 4.46 and sgst 4.46, total_tax 8.91; so for half of all amounts
# So         a shop that shows 100.00 and charges the total takes 100.01, a check of the payment against the price fails, and two books
#            are given away. Take the tax as the price minus the base, and SGST as the tax minus CGST.
# Tried      2026-12-01
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check gstpy==0.1.3 india-kit==0.1.0 mcp-india-stack==0.6.9
cat >totals.py <<'PY'
from gstpy import GST
from india_kit.finance.gst import split_gst
from mcp_india_stack.tools.gst_calculator import calculate_gst

print("gstpy exclusive", GST().exclusive([("book", 100, 3)], 18), GST().exclusive({"book": [100, 3]}, 18))
print("gstpy inclusive", GST().inclusive([("book", 118, 3)], 18))

hundred = calculate_gst(100, 18, amount_includes_gst=True)
print("mcp-india-stack 100.00 with 18 %:", *(hundred[name] for name in ("base_amount", "cgst_amount", "sgst_amount", "total_amount")))
for rate in (5, 12, 18, 28):
    for kind in ("intra_state", "inter_state"):
        totals = ((paise, calculate_gst(paise / 100, rate, kind, amount_includes_gst=True)["total_amount"]) for paise in range(100, 100001))
        print("mcp-india-stack", rate, "%", kind, sum(round(total * 100) != paise for paise, total in totals), "of 99901 prices are another price")

print("india-kit 49.50 with 18 %:", split_gst(49.50, 18))
taxes = (split_gst(paise / 100, 18) for paise in range(1, 100001))
print("india-kit", sum(round((tax["cgst"] + tax["sgst"]) * 100) != round(tax["total_tax"] * 100) for tax in taxes), "of 100000 taxes are not their halves")
PY
seen=$(python/bin/python totals.py)
echo "$seen"
[[ "$seen" == "gstpy exclusive [['book', 100, 3, 18.0, 54.0, 154.0]] [['book', 100, 3, 18.0, 54.0, 154.0]]
gstpy inclusive [['book', 100.0, 3, 300.0, 18.0, 54.0, 354]]
mcp-india-stack 100.00 with 18 %: 84.75 7.63 7.63 100.01
mcp-india-stack 5 % intra_state 49954 of 99901 prices are another price
mcp-india-stack 5 % inter_state 4757 of 99901 prices are another price
mcp-india-stack 12 % intra_state 49262 of 99901 prices are another price
mcp-india-stack 12 % inter_state 10703 of 99901 prices are another price
mcp-india-stack 18 % intra_state 49948 of 99901 prices are another price
mcp-india-stack 18 % inter_state 15239 of 99901 prices are another price
mcp-india-stack 28 % intra_state 48571 of 99901 prices are another price
mcp-india-stack 28 % inter_state 21853 of 99901 prices are another price
india-kit 49.50 with 18 %: {'cgst': 4.46, 'sgst': 4.46, 'igst': 0.0, 'total_tax': 8.91}
india-kit 49964 of 100000 taxes are not their halves" ]] || { echo "The behaviour has changed." >&2; exit 1; }
