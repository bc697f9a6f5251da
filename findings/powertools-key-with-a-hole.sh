#!/usr/bin/env bash
# Powertools' idempotency key of two fields: when one is absent, a user's second order is answered with the first one's receipt.
#
# Versions   PyPI aws-lambda-powertools 3.37.0 · npm @aws-lambda-powertools/idempotency 2.35.0
# Guess      with `[user, order]` as the key and "raise if there is no key" set, an event without `order` is refused; without that setting
#            it runs, unprotected, as it does for a key of one field
# Seen       two orders of one user, 5 and 7, from a producer that writes `orderId` in place of `order`:
#                                          Python          TypeScript
#              default                     5, then 5       5, then 5
#              "raise", "throw" set        5, then 5       5, then 5: no error, one run
#              both fields absent          5, then 7       5, then 5: orders of all users are one, with a warning
#            Only a key whose fields are all absent counts as absent; the hash is taken over `["u1", null]`.
# So         the option whose name says that a key is required doesn't require each part of it. The second order is never carried out and
#            its sender gets a success. Check the event's shape before the decorator runs.
# Tried      2026-11-28, with a persistence layer in memory; both packages leave that part to the caller
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check 'aws-lambda-powertools[aws-sdk]==3.37.0'
npm install --silent --no-audit --no-fund --prefix "$work" @aws-lambda-powertools/idempotency@2.35.0 >/dev/null
cat >orders.py <<'PY'
import os
import warnings

warnings.simplefilter("ignore")
os.environ.update(POWERTOOLS_DEV="1", AWS_LAMBDA_FUNCTION_NAME="orders")
from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent
from aws_lambda_powertools.utilities.idempotency.exceptions import IdempotencyItemAlreadyExistsError
from aws_lambda_powertools.utilities.idempotency.persistence.base import BasePersistenceLayer


class Memory(BasePersistenceLayer):
    def __init__(self):
        super().__init__()
        self.records = {}

    def _get_record(self, idempotency_key):
        return self.records[idempotency_key]

    def _put_record(self, data_record):
        if data_record.idempotency_key in self.records:
            raise IdempotencyItemAlreadyExistsError(old_data_record=self.records[data_record.idempotency_key])
        self.records[data_record.idempotency_key] = data_record

    def _update_record(self, data_record):
        self.records[data_record.idempotency_key] = data_record

    def _delete_record(self, data_record):
        del self.records[data_record.idempotency_key]


class Context:
    @staticmethod
    def get_remaining_time_in_millis():
        return 30_000


def run(title, events, **options):
    @idempotent(persistence_store=Memory(), config=IdempotencyConfig(event_key_jmespath="[user, order]", **options))
    def handler(event, context):
        return event["amount"]

    print("Python", title, *(handler(event, Context()) for event in events))


user = [{"user": "u1", "orderId": order, "amount": amount} for order, amount in (("a", 5), ("b", 7))]
run("default", user)
run("raise", user, raise_on_no_idempotency_key=True)
run("both absent", [{"amount": 5}, {"amount": 7}])
PY
cat >orders.mjs <<'JS'
import { IdempotencyConfig, IdempotencyItemAlreadyExistsError, makeIdempotent } from "@aws-lambda-powertools/idempotency";
import { BasePersistenceLayer } from "@aws-lambda-powertools/idempotency/persistence";

class Memory extends BasePersistenceLayer {
  records = new Map();
  async _getRecord(key) {
    return this.records.get(key);
  }
  async _putRecord(record) {
    const old = this.records.get(record.idempotencyKey);
    if (old) throw new IdempotencyItemAlreadyExistsError("there is one", old);
    this.records.set(record.idempotencyKey, record);
  }
  async _updateRecord(record) {
    this.records.set(record.idempotencyKey, record);
  }
  async _deleteRecord(record) {
    this.records.delete(record.idempotencyKey);
  }
}

const context = { getRemainingTimeInMillis: () => 30000 };
const run = async (title, events, options = {}) => {
  const config = new IdempotencyConfig({ eventKeyJmesPath: "[user, order]", ...options });
  const handler = makeIdempotent(async (event) => event.amount, { persistenceStore: new Memory(), config });
  const seen = [];
  for (const event of events) seen.push(await handler(event, context));
  console.log("TypeScript", title, ...seen);
};
const user = [
  { user: "u1", orderId: "a", amount: 5 },
  { user: "u1", orderId: "b", amount: 7 },
];
await run("default", user);
await run("throw", user, { throwOnNoIdempotencyKey: true });
await run("both absent", [{ amount: 5 }, { amount: 7 }]);
JS
seen=$(python/bin/python orders.py 2>/dev/null; AWS_LAMBDA_FUNCTION_NAME=orders node orders.mjs 2>/dev/null)
echo "$seen"
[[ "$seen" == "Python default 5 5
Python raise 5 5
Python both absent 5 7
TypeScript default 5 5
TypeScript throw 5 5
TypeScript both absent 5 5" ]] || { echo "The behaviour has changed." >&2; exit 1; }
