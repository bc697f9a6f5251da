#!/usr/bin/env bash
# One order goes two ways through a state machine of Step Functions, in moto and in MiniStack.
#
# Versions   PyPI moto 5.2.5 · PyPI ministack 1.5.33 · PyPI boto3 1.43.106
# Guess      Choice compares times as times and takes no number for true; a path with a filter gives the lines that match, or an error;
#            the output of an execution is JSON
# Seen       an order of 29 November, 03:00 in Kathmandu, which is 28 November, 21:15Z; "paid" is 1; the second line is two of BOOK
#                                                          moto                       MiniStack
#              at TimestampLessThan 2026-11-29T00:00:00Z   NO                         yes
#              at TimestampEquals 2026-11-28T21:15:00Z     NO                         yes
#              paid BooleanEquals true                     no                         YES
#              coupon StringEquals "TENTH", none is there  the default                the default (AWS: the execution fails)
#              $.lines[?(@.sku=='BOOK')].qty               [2]                        NULL
#              $.lines[-1:].qty                            [2]                        NULL
#              States.MathAdd of 4.35 and 1.5              6                          5 (AWS rounds both)
#              an output that is a text                    pay, without quotes        "pay"
#            No definition is refused and no execution fails.
# So         an order that was paid in time in Kathmandu is late in tests with moto; a quantity that is null in MiniStack goes on to
#            the next function; a branch that a test takes is not the one that AWS takes. TestState in AWS tells.
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
server=
trap 'if [[ -n "$server" ]]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi; rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check boto3==1.43.106 'moto[stepfunctions]==5.2.5' ministack==1.5.33
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
env -i PATH="$PATH" HOME="$work" TMPDIR="$work" BIND_HOST=127.0.0.1 MINISTACK_HOST=127.0.0.1 GATEWAY_PORT="$port" IOT_MTLS_ENABLED=0 \
  AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_EC2_METADATA_DISABLED=true \
  "$work/python/bin/ministack" </dev/null >ministack.log 2>&1 &
server=$!
for ((i = 0; i < 600; i++)); do
  (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
  sleep 0.2
done
cat >orders.py <<'PY'
import json
import os
import sys
import time

os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="us-east-1")
import boto3
from moto import mock_aws

LINES = [{"sku": "PEN", "qty": 1}, {"sku": "BOOK", "qty": 2}]
ORDER = {"paid": 1, "at": "2026-11-29T03:00:00+05:45", "price": 4.35, "fee": 1.5, "lines": LINES}
RULES = (
    {"Variable": "$.at", "TimestampLessThan": "2026-11-29T00:00:00Z"},
    {"Variable": "$.at", "TimestampEquals": "2026-11-28T21:15:00Z"},
    {"Variable": "$.paid", "BooleanEquals": True},
    {"Variable": "$.coupon", "StringEquals": "TENTH"},
)
VALUES = {"a filter": "$.lines[?(@.sku=='BOOK')].qty", "a slice": "$.lines[-1:].qty", "a sum": "States.MathAdd($.price, $.fee)"}


def result(states, **options):
    functions = boto3.client("stepfunctions", **options)
    machine = functions.create_state_machine(
        name=f"orders{time.time_ns()}",
        definition=json.dumps({"StartAt": "First", "States": states}),
        roleArn="arn:aws:iam::123456789012:role/orders",
    )["stateMachineArn"]
    execution = functions.start_execution(stateMachineArn=machine, input=json.dumps(ORDER))["executionArn"]
    while (described := functions.describe_execution(executionArn=execution))["status"] == "RUNNING":
        time.sleep(0.1)
    return described["output"] if described["status"] == "SUCCEEDED" else described["status"]


def choice(rule):
    ends = {name: {"Type": "Pass", "Result": name, "End": True} for name in ("pay", "default")}
    return {"First": {"Type": "Choice", "Choices": [{**rule, "Next": "pay"}], "Default": "default"}, **ends}


def both(text, states):
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        print(text, "| moto", result(states), end=" ")
    print("| MiniStack", result(states, endpoint_url=sys.argv[1]))


for rule in RULES:
    both(json.dumps(rule), choice(rule))
for name, value in VALUES.items():
    both(name, {"First": {"Type": "Pass", "Parameters": {"value.$": value}, "End": True}})
PY
seen=$(python/bin/python orders.py "http://127.0.0.1:$port" 2>errors.txt) || { cat errors.txt >&2; exit 1; }
echo "$seen"
[[ "$seen" == '{"Variable": "$.at", "TimestampLessThan": "2026-11-29T00:00:00Z"} | moto default | MiniStack "pay"
{"Variable": "$.at", "TimestampEquals": "2026-11-28T21:15:00Z"} | moto default | MiniStack "pay"
{"Variable": "$.paid", "BooleanEquals": true} | moto default | MiniStack "pay"
{"Variable": "$.coupon", "StringEquals": "TENTH"} | moto default | MiniStack "default"
a filter | moto {"value": [2]} | MiniStack {"value": null}
a slice | moto {"value": [2]} | MiniStack {"value": null}
a sum | moto {"value": 6} | MiniStack {"value": 5}' ]] || { echo "The behaviour has changed." >&2; exit 1; }
