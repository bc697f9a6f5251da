#!/usr/bin/env bash
# quicktype makes a text of digits a number in Python and C# and leaves it a text in eight other languages: the order 0012 becomes 12.
#
# Version    npm quicktype 26.0.0 (Python 3, python-dateutil 2.9.0.post0)
# Guess      what is text in the sample is text in the generated type, in each language; a date or a UUID may get its own type
# Seen       by the sample {"orderNumber": "12", "paid": "true"}
#              Python, C#                                                          an integer and a boolean
#              TypeScript, Go, Rust, Java, Kotlin, Swift, Ruby, PHP                text and text
#            In Python {"orderNumber": "0012"} is read and written again as {"orderNumber": "12"}, without an error, and "A-12" is an error.
#            The sample "0012" gives text in Python and C# too.
# So         it depends on the sample at hand whether a service keeps an order's number, and a service in Go and one in Python that were
#            made from one sample write different documents. Give samples in which each identifier has a letter or begins with 0.
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --prefix "$work" quicktype@26.0.0 >/dev/null
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check python-dateutil==2.9.0.post0
echo '{"orderNumber": "12", "paid": "true"}' >sample.json
echo '{"orderNumber": "0012", "paid": "true"}' >zero.json
declare -A number=(
  [python]='order_number: int' [csharp]='public long OrderNumber' [typescript]='orderNumber: string' [go]='OrderNumber string'
  [rust]='order_number: String' [java]='private String orderNumber' [kotlin]='orderNumber: String' [swift]='let orderNumber: String'
  [ruby]=':order_number, Types::String' [php]='private string $orderNumber'
)
for language in "${!number[@]}"; do
  mkdir "made-$language"
  npx --no-install quicktype --lang "$language" --top-level Order --out "made-$language/order.txt" sample.json >/dev/null
  cat "made-$language"/* | tr -s ' ' | grep -F "${number[$language]}" >/dev/null || { echo "The behaviour has changed: $language." >&2; exit 1; }
done
npx --no-install quicktype --lang python --top-level Order --out order.py sample.json
npx --no-install quicktype --lang python --top-level Order --out zero.py zero.json
cat >again.py <<'PY'
import order
import zero

for module in (order, zero):
    for text in ("0012", "A-12"):
        try:
            print(module.__name__, text, module.order_to_dict(module.order_from_dict({"orderNumber": text, "paid": "true"})))
        except ValueError:
            print(module.__name__, text, "ValueError")
PY
seen=$(python/bin/python again.py)
echo "$seen"
[[ "$seen" == "order 0012 {'orderNumber': '12', 'paid': 'true'}
order A-12 ValueError
zero 0012 {'orderNumber': '0012', 'paid': 'true'}
zero A-12 {'orderNumber': 'A-12', 'paid': 'true'}" ]] || { echo "The behaviour has changed." >&2; exit 1; }
