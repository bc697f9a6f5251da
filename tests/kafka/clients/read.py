"""Reads a topic to its end: each record as librdkafka gives it, and each batch as it lies on the broker.

    {"brokers": "host:port", "topic": "…", "records": 30}
    {"records": [{"partition", "offset", "timestamp", "timestampType", "key", "value", "headers"}],
     "batches": [{"partition", "codec", "records"}]}

Keys, values and values of headers are base64 or null. How many records there are at least is told, because tansu 0.6.0 answers the
question for the end of a partition with the first offset of its last batch, plus one.
"""

import base64
import json
import socket
import struct
import sys
import time

from confluent_kafka import (
    TIMESTAMP_CREATE_TIME,
    TIMESTAMP_LOG_APPEND_TIME,
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)

PATIENCE = 60
TIMES = {TIMESTAMP_CREATE_TIME: "CREATE_TIME", TIMESTAMP_LOG_APPEND_TIME: "LOG_APPEND_TIME"}
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
FETCH = 1


def encoded(given):
    return None if given is None else base64.b64encode(given).decode()


def record(message):
    kind, millis = message.timestamp()
    return {
        "partition": message.partition(),
        "offset": message.offset(),
        "timestamp": millis,
        "timestampType": TIMES.get(kind, "NO_TIMESTAMP_TYPE"),
        "key": encoded(message.key()),
        "value": encoded(message.value()),
        "headers": [[name, encoded(value)] for name, value in message.headers() or []],
    }


def records(brokers, topic, least):
    """Every record, in the order of its partition."""
    consumer = Consumer(
        {"bootstrap.servers": brokers, "group.id": "a-reader", "enable.auto.commit": False, "enable.partition.eof": True, "fetch.wait.max.ms": 50}
    )
    partitions = sorted(consumer.list_topics(topic, PATIENCE).topics[topic].partitions)
    consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    found, at_end, latest = [], set(), time.monotonic() + PATIENCE
    while len(found) < least or len(at_end) < len(partitions):
        message = consumer.poll(1)
        if message is not None and message.error() is None:
            found.append(record(message))
            at_end.discard(message.partition())
        elif message is not None and message.error().code() == KafkaError._PARTITION_EOF:
            at_end.add(message.partition())
        elif message is not None:
            raise KafkaException(message.error())
        assert time.monotonic() < latest, f"{len(found)} of {least} records came, {len(at_end)} of {len(partitions)} partitions ended"
    consumer.close()
    return partitions, sorted(found, key=lambda record: (record["partition"], record["offset"]))


def fetched(connection, topic, partition):
    """The bytes of a partition, from its beginning: one Fetch request of version 4."""
    name = topic.encode()
    body = struct.pack(">iiiib", -1, 100, 1, 1 << 26, 0) + struct.pack(">ih", 1, len(name)) + name
    body += struct.pack(">iiqi", 1, partition, 0, 1 << 26)
    request = struct.pack(">hhih", FETCH, 4, 1, 1) + b"r" + body
    connection.sendall(struct.pack(">i", len(request)) + request)
    stream = connection.makefile("rb")
    answer = stream.read(struct.unpack(">i", stream.read(4))[0])
    # Correlation id, throttle time, one topic with its name, one partition: its number, error, two offsets, aborted transactions.
    at = 4 + 4 + 4 + 2 + len(name) + 4
    number, error, _, _, aborted = struct.unpack_from(">ihqqi", answer, at)
    assert (number, error) == (partition, 0), f"partition {number}: error {error}"
    at += 26 + 16 * max(aborted, 0)
    return answer[at + 4 : at + 4 + struct.unpack_from(">i", answer, at)[0]]


def batches(brokers, topic, partitions):
    """The batches of records, with the codec that each says of itself."""
    host, port = brokers.split(",")[0].rsplit(":", 1)
    found = []
    with socket.create_connection((host, int(port)), PATIENCE) as connection:
        for partition in partitions:
            data, at = fetched(connection, topic, partition), 0
            while at + 61 <= len(data):
                length, magic = struct.unpack_from(">i", data, at + 8)[0], data[at + 16]
                assert magic == 2, f"a batch of format {magic}"
                codec = CODECS[struct.unpack_from(">h", data, at + 21)[0] & 7]
                count = struct.unpack_from(">i", data, at + 57)[0]
                found.append({"partition": partition, "codec": codec, "records": count})
                at += 12 + length
    return found


if __name__ == "__main__":
    task = json.load(sys.stdin)
    partitions, read = records(task["brokers"], task["topic"], task["records"])
    json.dump({"records": read, "batches": batches(task["brokers"], task["topic"], partitions)}, sys.stdout)
