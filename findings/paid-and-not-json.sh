#!/usr/bin/env bash
# Powertools' idempotency runs a payment again and again when its result holds a date: the result is encoded after the work is done.
#
# Version    PyPI aws-lambda-powertools 3.37.0 (with moto 5.2.5)
# Guess      a result that can't be stored is refused before the work, or stored in some form; the second call never runs
# Seen         {"on": date(2026, 11, 28)}    the payment runs, then IdempotencyPersistenceLayerError; the record stays INPROGRESS;
#                                            when the first invocation's time is over, the repeat runs the payment again: 3 calls, 3 payments
#              {"paid": Decimal("4.35")}     stored; the repeat answers {"paid": "4.35"}: text
#            Without the decorator both results are fine for a caller in Python, and with it a test that never repeats a call shows the
#            first as an error only.
# So         the queue's retries turn one order into as many payments as its redrive policy allows. Return JSON's own types from what
#            the decorator guards; only `idempotent_function` takes an `output_serializer`.
# Tried      2026-11-28
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check aws-lambda-powertools==3.37.0 boto3==1.44.8 'moto[dynamodb]==5.2.5'
cat >payments.py <<'PY'
import datetime
import decimal
import os
import time
import warnings

warnings.simplefilter("ignore")
os.environ.update(
    AWS_ACCESS_KEY_ID="test",
    AWS_SECRET_ACCESS_KEY="test",
    AWS_DEFAULT_REGION="us-east-1",
    AWS_LAMBDA_FUNCTION_NAME="payments",
    POWERTOOLS_DEV="1",
)
import boto3
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig, idempotent
from moto import mock_aws


class Context:
    @staticmethod
    def get_remaining_time_in_millis():
        return 1000


def run(title, result):
    payments = []
    store = DynamoDBPersistenceLayer(table_name="idempotency")

    @idempotent(persistence_store=store, config=IdempotencyConfig(event_key_jmespath="order"))
    def handler(event, context):
        payments.append(event["order"])
        return result

    for _ in range(3):
        try:
            answer = handler({"order": title}, Context())
        except Exception as error:
            answer = type(error).__name__
        print(title, answer)
        time.sleep(1.5)
    print(title, "payments:", len(payments))


with mock_aws():
    boto3.client("dynamodb").create_table(
        TableName="idempotency",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    run("date", {"on": datetime.date(2026, 11, 28)})
    run("decimal", {"paid": decimal.Decimal("4.35")})
PY
seen=$(python/bin/python payments.py 2>/dev/null)
echo "$seen"
[[ "$seen" == "date IdempotencyPersistenceLayerError
date IdempotencyPersistenceLayerError
date IdempotencyPersistenceLayerError
date payments: 3
decimal {'paid': Decimal('4.35')}
decimal {'paid': '4.35'}
decimal {'paid': '4.35'}
decimal payments: 1" ]] || { echo "The behaviour has changed." >&2; exit 1; }
