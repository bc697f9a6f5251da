#!/usr/bin/env bash
# json-canonicalize leaves the amounts of dinero.js unsorted, so the receiver of a signed order calls its signature wrong.
#
# Versions   npm json-canonicalize 3.0.1 · npm canonicalize 4.0.0 · npm @truestamp/canonify 2.1.0 · npm dinero.js 2.0.2 ·
#            PyPI rfc8785 0.1.4 (Node 20)
# Guess      an order that is put into the form of RFC 8785 has the same bytes as the order that was sent, put into it by the receiver
# Seen       {total: dinero({amount: 499900, currency: NPR}), id: "ORDER-1"}, whose `toJSON` gives code, base, exponent
#              json-canonicalize      …"currency":{"code":"NPR","base":10,"exponent":2}…      not sorted
#              canonicalize           …"currency":{"base":10,"code":"NPR","exponent":2}…
#              canonify               …"currency":{"base":10,"code":"NPR","exponent":2}…
#              rfc8785, of what JSON.stringify sends: as the last two
#            What `toJSON` returns goes to JSON.stringify as it is. A member that is a function comes out as `undefined`, without
#            quotes, in json-canonicalize and canonicalize: no JSON at all; JSON.stringify and canonify leave it out.
# So         the sender's own tests pass, and each signature over an order with an amount is refused elsewhere; orders without one
#            are taken. Make it plain first: canonicalize(JSON.parse(JSON.stringify(order))).
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --prefix "$work" \
  json-canonicalize@3.0.1 canonicalize@4.0.0 @truestamp/canonify@2.1.0 dinero.js@2.0.2 >/dev/null
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check rfc8785==0.1.4
cat >sign.mjs <<'JS'
import { writeFileSync } from "node:fs";
import canonicalize from "canonicalize";
import { canonify } from "@truestamp/canonify";
import { dinero } from "dinero.js";
import { NPR } from "dinero.js/currencies";
import * as jsonCanonicalize from "json-canonicalize";

const forms = { "json-canonicalize": jsonCanonicalize.canonicalize, canonicalize, canonify };
const order = { total: dinero({ amount: 499900, currency: NPR }), id: "ORDER-1" };
const plain = JSON.parse(JSON.stringify(order));
writeFileSync("sent.json", JSON.stringify(order));
for (const [name, form] of Object.entries(forms)) {
  console.log(name, form(order));
  console.log(" ", form(order) === form(plain) ? "the same" : "not the same", "as of what is sent");
  console.log("  with a function", form({ id: "ORDER-1", pay() {} }));
}
JS
cat >check.py <<'PY'
import json

import rfc8785

print("rfc8785", rfc8785.dumps(json.load(open("sent.json"))).decode())
PY
node sign.mjs >forms.txt
seen=$(python/bin/python check.py; cat forms.txt)
echo "$seen"
[[ "$seen" == 'rfc8785 {"id":"ORDER-1","total":{"amount":499900,"currency":{"base":10,"code":"NPR","exponent":2},"scale":2}}
json-canonicalize {"id":"ORDER-1","total":{"amount":499900,"currency":{"code":"NPR","base":10,"exponent":2},"scale":2}}
  not the same as of what is sent
  with a function {"id":"ORDER-1","pay":undefined}
canonicalize {"id":"ORDER-1","total":{"amount":499900,"currency":{"base":10,"code":"NPR","exponent":2},"scale":2}}
  the same as of what is sent
  with a function {"id":"ORDER-1","pay":undefined}
canonify {"id":"ORDER-1","total":{"amount":499900,"currency":{"base":10,"code":"NPR","exponent":2},"scale":2}}
  the same as of what is sent
  with a function {"id":"ORDER-1"}' ]] || { echo "The behaviour has changed." >&2; exit 1; }
