#!/usr/bin/env bash
# Powertools' Kafka consumer in TypeScript hands over a value that isn't JSON as text; in Python a tombstone is an error.
#
# Versions   npm @aws-lambda-powertools/kafka 2.35.0 · PyPI aws-lambda-powertools 3.37.0 (Node 20, Python 3.11)
# Guess      with a schema type of JSON for values a record that isn't JSON is an error in both, and a null value is null in both
# Seen         value                  TypeScript                      Python
#              {"amount": 5}          an object                       a dict
#              not json               the text "not json"             KafkaConsumerDeserializationError
#              "" (no bytes)          the text ""                     KafkaConsumerDeserializationError
#              null (a tombstone)     null                            KafkaConsumerDeserializationError: a TypeError inside
#            In TypeScript there is a line on stderr and no error: the handler goes on, and the batch is committed.
# So         `record.value.amount` is undefined: NaN in a sum, null in a database, and the offset has moved on. Give
#            the consumer a `parserSchema`, which refuses the text. In Python look at `original_value` first: one tombstone on a compacted
#            topic stops the partition if the handler lets the error out.
# Tried      2026-11-28
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check aws-lambda-powertools==3.37.0
npm install --silent --no-audit --no-fund --prefix "$work" @aws-lambda-powertools/kafka@2.35.0 zod@4.1.12 >/dev/null
python/bin/python - >event.json <<'PY'
import base64
import json

values = ('{"amount": 5}', "not json", "", None)
records = [
    {
        "topic": "payments",
        "partition": 0,
        "offset": offset,
        "timestamp": 1764363942123,
        "timestampType": "CREATE_TIME",
        "key": base64.b64encode(b"order").decode(),
        "value": None if value is None else base64.b64encode(value.encode()).decode(),
        "headers": [],
    }
    for offset, value in enumerate(values)
]
arn = "arn:aws:kafka:us-east-1:123456789012:cluster/payments/0"
print(json.dumps({"eventSource": "aws:kafka", "eventSourceArn": arn, "bootstrapServers": "b:9092", "records": {"payments-0": records}}))
PY
cat >consumer.py <<'PY'
import json
import os

os.environ["POWERTOOLS_DEV"] = "1"
from aws_lambda_powertools.utilities.kafka import SchemaConfig, kafka_consumer


@kafka_consumer(schema_config=SchemaConfig(value_schema_type="JSON"))
def handler(event, context):
    for record in event.records:
        try:
            print("Python", json.dumps(record.value))
        except Exception as error:
            print("Python", type(error).__name__)


with open("event.json") as file:
    handler(json.load(file), None)
PY
cat >consumer.mjs <<'JS'
import fs from "node:fs";
import { kafkaConsumer, SchemaType } from "@aws-lambda-powertools/kafka";
import { z } from "zod";

const event = JSON.parse(fs.readFileSync("event.json", "utf8"));
const print = (title) => async ({ records }) => {
  for (const record of records) {
    try {
      console.log(title, JSON.stringify(record.value));
    } catch (error) {
      console.log(title, error.name);
    }
  }
};
await kafkaConsumer(print("TypeScript"), { value: { type: SchemaType.JSON } })(structuredClone(event), {});
const parserSchema = z.object({ amount: z.number().int() });
await kafkaConsumer(print("parserSchema"), { value: { type: SchemaType.JSON, parserSchema } })(structuredClone(event), {});
JS
seen=$(python/bin/python consumer.py 2>/dev/null; node consumer.mjs 2>/dev/null)
echo "$seen"
[[ "$seen" == 'Python {"amount": 5}
Python KafkaConsumerDeserializationError
Python KafkaConsumerDeserializationError
Python KafkaConsumerDeserializationError
TypeScript {"amount":5}
TypeScript "not json"
TypeScript ""
TypeScript null
parserSchema {"amount":5}
parserSchema KafkaConsumerParserError
parserSchema KafkaConsumerParserError
parserSchema null' ]] || { echo "The behaviour has changed." >&2; exit 1; }
