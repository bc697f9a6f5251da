#!/usr/bin/env bash
# Tokens that make a request safe to repeat: moto adds the payment twice, MiniStack changes a secret's version in place.
#
# Versions   PyPI moto 5.2.5 · PyPI ministack 1.5.33 · PyPI boto3 1.43.106
# Guess      emulators that take a ClientRequestToken or a name that makes a request idempotent do what AWS documents for it
# Seen       the same request twice, then another one with the same token or name
#                                                     moto                    MiniStack           AWS documents
#              DynamoDB TransactWriteItems, same      ADDED AGAIN             no effect           no effect
#              … other amount                         ADDED TOO               refused             IdempotentParameterMismatch
#              Secrets Manager PutSecretValue, same   no effect               no effect           no effect
#              … other value                          refused                 CHANGED IN PLACE    ResourceExistsException
#              Step Functions StartExecution, same    the running one         REFUSED             the running one
#              … other input                          refused                 refused             ExecutionAlreadyExists
#              S3 PutObject with If-None-Match: *     refused                 refused             refused
#            moto reads the token of TransactWriteItems nowhere.
# So         right code that repeats after a lost answer fails in moto with a doubled total, and a token that is made anew at each attempt
#            passes as well as one that is kept. Compare the tokens that are sent. With MiniStack expect ExecutionAlreadyExists.
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
server=
trap 'if [[ -n "$server" ]]; then kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; fi; rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check boto3==1.43.106 'moto[dynamodb,secretsmanager,stepfunctions,s3]==5.2.5' ministack==1.5.33
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
env -i PATH="$PATH" HOME="$work" TMPDIR="$work" BIND_HOST=127.0.0.1 MINISTACK_HOST=127.0.0.1 GATEWAY_PORT="$port" IOT_MTLS_ENABLED=0 \
  AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_EC2_METADATA_DISABLED=true \
  "$work/python/bin/ministack" </dev/null >ministack.log 2>&1 &
server=$!
for ((i = 0; i < 600; i++)); do
  (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
  sleep 0.2
done

cat >tokens.py <<'PY'
import json
import os
import sys

os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="us-east-1")
import boto3
from botocore.exceptions import ClientError
from moto import mock_aws

ROLE = "arn:aws:iam::000000000000:role/ledger"
WAITS = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 60, "End": True}}}


def outcome(call):
    try:
        return call()
    except ClientError as error:
        return error.response["Error"]["Code"]


def try_out(name, **endpoint):
    table, secrets, steps, s3 = (boto3.client(service, **endpoint) for service in ("dynamodb", "secretsmanager", "stepfunctions", "s3"))

    table.create_table(
        TableName="ledger",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )

    def add(amount):
        update = {
            "TableName": "ledger",
            "Key": {"id": {"S": "total"}},
            "UpdateExpression": "ADD paid :amount",
            "ExpressionAttributeValues": {":amount": {"N": str(amount)}},
        }
        table.transact_write_items(ClientRequestToken="payment-1", TransactItems=[{"Update": update}])
        return table.get_item(TableName="ledger", Key={"id": {"S": "total"}}, ConsistentRead=True)["Item"]["paid"]["N"]

    print(name, "transaction:", outcome(lambda: add(100)), outcome(lambda: add(100)), outcome(lambda: add(5)))

    secrets.create_secret(Name="gateway", SecretString="one")

    def put(value):
        secrets.put_secret_value(SecretId="gateway", SecretString=value, ClientRequestToken="b" * 32)
        return secrets.get_secret_value(SecretId="gateway")["SecretString"]

    print(name, "secret:", outcome(lambda: put("two")), outcome(lambda: put("two")), outcome(lambda: put("three")))

    machine = steps.create_state_machine(name="orders", definition=json.dumps(WAITS), roleArn=ROLE)["stateMachineArn"]

    def start(order):
        steps.start_execution(stateMachineArn=machine, name="order-1", input=json.dumps({"order": order}))
        return "started"

    print(name, "execution:", outcome(lambda: start(1)), outcome(lambda: start(1)), outcome(lambda: start(2)))

    s3.create_bucket(Bucket="receipts")

    def write():
        s3.put_object(Bucket="receipts", Key="order-1", Body=b"paid", IfNoneMatch="*")
        return "written"

    print(name, "object:", outcome(write), outcome(write))


with mock_aws():
    try_out("moto")
try_out("ministack", endpoint_url=sys.argv[1])
PY
seen=$(python/bin/python tokens.py "http://127.0.0.1:$port")
echo "$seen"
[[ "$seen" == "moto transaction: 100 200 205
moto secret: two two ResourceExistsException
moto execution: started started ExecutionAlreadyExists
moto object: written PreconditionFailed
ministack transaction: 100 100 IdempotentParameterMismatchException
ministack secret: two two three
ministack execution: started ExecutionAlreadyExists ExecutionAlreadyExists
ministack object: written PreconditionFailed" ]] || { echo "The behaviour has changed." >&2; exit 1; }
