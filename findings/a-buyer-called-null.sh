#!/usr/bin/env bash
# Paytm's checksum for Python refuses what the one for Node.js signed, when a field is called null.
#
# Versions   npm paytmchecksum 1.5.1 · PyPI paytmchecksum 1.7.0 (pycryptodome 3.23.0)
# Guess      the two official packages sign the same fields to one text, so what one signs the other one verifies; what is empty is null,
#            None or ""
# Seen       signed by Node.js, with a field                  verified by Node.js    verified by Python
#              {"NAME": "Asha"}                               true                   true
#              {"NAME": ""}                                   true                   true
#              {"NAME": null}                                 true                   true
#              {"NAME": "null"}, "Null", "NULL"               true                   FALSE
#              the same, signed by Python                     FALSE                  true
#            Python signs the text null in any case as an empty one. In JavaScript the same line compares a lower-cased text with the
#            value null, which it never is.
# So         a buyer of that name (or a template that writes "null") pays, and the callback is refused as forged by a service in the other
#            language. Keep texts of people out of what is signed, or sign and verify the body as one text: there both agree.
# Tried      2026-11-29; the key is made up
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check paytmchecksum==1.7.0 pycryptodome==3.23.0
npm install --silent --no-audit --no-fund --prefix "$work" paytmchecksum@1.5.1 >/dev/null
cat >pay.js <<'JS'
const paytm = require("paytmchecksum");
const [, , verb, key, text, signature] = process.argv;
const fields = JSON.parse(text);
if (verb === "sign") paytm.generateSignature(fields, key).then(console.log);
else console.log(paytm.verifySignature(fields, key, signature));
JS
cat >pay.py <<'PY'
import json
import subprocess

import paytmchecksum

KEY = "0123456789abcdef"


def node(*arguments):
    return subprocess.run(["node", "pay.js", *arguments], capture_output=True, text=True, check=True).stdout.strip()


for name in ("Asha", "", None, "null", "Null", "NULL"):
    fields = {"MID": "SHOP", "NAME": name, "ORDERID": "7"}
    text = json.dumps(fields)
    by_node, by_python = node("sign", KEY, text), paytmchecksum.generateSignature(dict(fields), KEY)
    print(
        json.dumps(name),
        "Node's:", node("verify", KEY, text, by_node), str(paytmchecksum.verifySignature(dict(fields), KEY, by_node)).lower(),
        "Python's:", node("verify", KEY, text, by_python), str(paytmchecksum.verifySignature(dict(fields), KEY, by_python)).lower(),
    )
body = '{"NAME": "Null"}'
print("as one text:", str(paytmchecksum.verifySignature(body, KEY, node("sign", KEY, json.dumps(body)))).lower())
PY
seen=$(python/bin/python pay.py)
echo "$seen"
[[ "$seen" == "\"Asha\" Node's: true true Python's: true true
\"\" Node's: true true Python's: true true
null Node's: true true Python's: true true
\"null\" Node's: true false Python's: false true
\"Null\" Node's: true false Python's: false true
\"NULL\" Node's: true false Python's: false true
as one text: true" ]] || { echo "The behaviour has changed." >&2; exit 1; }
