#!/usr/bin/env bash
# JSON Schema's `multipleOf: 0.01` refuses every ninth amount of money, in the two most used validators and not in the third.
#
# Versions   npm ajv 8.20.0 · PyPI jsonschema 4.26.0 · PyPI fastjsonschema 2.22.3 (Node 20.20, Python 3.11)
# Guess      validators either compare decimally, or all share the binary remainder and agree
# Seen       {"type": "number", "multipleOf": 0.01} over the 100,000 amounts from 0.01 to 1000.00:
#              ajv             refuses 11426 (0.07 0.14 0.28 0.29 … 4.35 … 19.99)
#              jsonschema      refuses 11426, the same ones
#              fastjsonschema  refuses 0
#            ajv with `multipleOfPrecision: 6` refuses none.
# So         a price of 19.99 passes the schema at the producer and is refused by the consumer, or the other way round, and 19.98
#            passes everywhere: a test with one amount shows nothing. Whole minor units (`"type": "integer"`) have no such edge.
# Tried      2026-11-28
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check jsonschema==4.26.0 fastjsonschema==2.22.3
npm install --silent --no-audit --no-fund --prefix "$work" ajv@8.20.0 >/dev/null

cat >python.py <<'PY'
import fastjsonschema
import jsonschema

schema = {"type": "number", "multipleOf": 0.01}
amounts = [float(f"{cents // 100}.{cents % 100:02d}") for cents in range(1, 100_001)]
validator = jsonschema.Draft202012Validator(schema)
fast = fastjsonschema.compile(schema)


def fast_refuses(amount):
    try:
        fast(amount)
    except fastjsonschema.JsonSchemaValueException:
        return True
    return False


refused = [amount for amount in amounts if not validator.is_valid(amount)]
print("jsonschema", len(refused), 19.99 in refused, 19.98 in refused)
print("fastjsonschema", sum(map(fast_refuses, amounts)))
PY
cat >node.js <<'JS'
const Ajv = require("ajv").default;
const schema = { type: "number", multipleOf: 0.01 };
const amounts = Array.from({ length: 100000 }, (_, i) => Number(((i + 1) / 100).toFixed(2)));
const refused = (options) => {
  const validate = new Ajv(options).compile(schema);
  return amounts.filter((amount) => !validate(amount));
};
const plain = refused({});
console.log("ajv", plain.length, plain.includes(19.99), plain.includes(19.98));
console.log("ajv multipleOfPrecision", refused({ multipleOfPrecision: 6 }).length);
JS
seen=$(python/bin/python python.py; node node.js)
echo "$seen"
[[ "$seen" == "jsonschema 11426 True False
fastjsonschema 0
ajv 11426 true false
ajv multipleOfPrecision 0" ]] || { echo "The behaviour has changed." >&2; exit 1; }
