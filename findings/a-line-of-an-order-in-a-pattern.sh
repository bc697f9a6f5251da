#!/usr/bin/env bash
# A rule on a member of an order's lines matches in EventBridge and in MiniStack, and never in moto.
#
# Versions   PyPI moto 5.2.5 · PyPI ministack 1.5.33 · PyPI boto3 1.43.106
# Guess      {"lines": {"sku": ["BOOK"]}} matches an order of which one line has the SKU BOOK: EventBridge looks into each element of an
#            array, and moto matches a list of plain text so
# Seen       the detail is {"lines": [{"sku": "PEN"}, {"sku": "BOOK"}], "tags": ["a", "b"], "paid": true}
#                                                 moto          MiniStack
#              {"tags": ["b"]}                    match         match
#              {"lines": {"sku": ["BOOK"]}}       NO MATCH      match
#              {"paid": [1]}                      MATCH         no match (EventBridge compares the JSON: 1 is not true)
#            A rule that doesn't match is no error: its target gets nothing.
# So         the right rule looks wrong in a test and is "corrected", or the test passes with one that is silent in AWS. TestEventPattern
#            in AWS tells.
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
server=
trap 'if [[ -n "$server" ]]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi; rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check boto3==1.43.106 'moto[events,sqs]==5.2.5' ministack==1.5.33
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
env -i PATH="$PATH" HOME="$work" TMPDIR="$work" BIND_HOST=127.0.0.1 MINISTACK_HOST=127.0.0.1 GATEWAY_PORT="$port" IOT_MTLS_ENABLED=0 \
  AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_EC2_METADATA_DISABLED=true \
  "$work/python/bin/ministack" </dev/null >ministack.log 2>&1 &
server=$!
for ((i = 0; i < 600; i++)); do
  (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
  sleep 0.2
done
cat >rules.py <<'PY'
import json
import os
import sys
import time

os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="us-east-1")
import boto3
from moto import mock_aws

ORDER = {"lines": [{"sku": "PEN"}, {"sku": "BOOK"}], "tags": ["a", "b"], "paid": True}


def delivered(pattern, **options):
    events, sqs = boto3.client("events", **options), boto3.client("sqs", **options)
    name = f"shop{time.time_ns()}"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name], "detail": pattern}))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    events.put_events(Entries=[{"Source": name, "DetailType": "paid", "Detail": json.dumps(ORDER)}])
    return len(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=3).get("Messages", []))


PATTERNS = ({"tags": ["b"]}, {"lines": {"sku": ["BOOK"]}}, {"paid": [1]}, {"paid": [True]})
for pattern in PATTERNS:
    with mock_aws():
        print("moto", json.dumps(pattern), delivered(pattern))
    print("ministack", json.dumps(pattern), delivered(pattern, endpoint_url=sys.argv[1]))
PY
seen=$(python/bin/python rules.py "http://127.0.0.1:$port")
echo "$seen"
[[ "$seen" == 'moto {"tags": ["b"]} 1
ministack {"tags": ["b"]} 1
moto {"lines": {"sku": ["BOOK"]}} 0
ministack {"lines": {"sku": ["BOOK"]}} 1
moto {"paid": [1]} 1
ministack {"paid": [1]} 0
moto {"paid": [true]} 1
ministack {"paid": [true]} 1' ]] || { echo "The behaviour has changed." >&2; exit 1; }
