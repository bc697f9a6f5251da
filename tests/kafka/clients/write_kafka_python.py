"""Writes with kafka-python (task.py)."""

import kafka
import task


def write(brokers, batch):
    """One producer for each batch, with the client's defaults. Gives back an error or None for each record."""
    codec = None if batch["codec"] == "none" else batch["codec"]
    producer = kafka.KafkaProducer(
        bootstrap_servers=brokers, compression_type=codec, linger_ms=50, **batch["settings"]
    )
    tried, sent = [None] * len(batch["records"]), {}
    for place, record in enumerate(batch["records"]):
        try:
            sent[place] = producer.send(
                batch["topic"],
                key=record["key"],
                value=record["value"],
                headers=record["headers"],
                timestamp_ms=record["timestamp"],
            )
        except (AssertionError, TypeError, ValueError) as error:
            tried[place] = error
    for future in sent.values():
        future.get(60)
    producer.close()
    return tried


if __name__ == "__main__":
    brokers, batches = task.read()
    task.answer(kafka.__version__, [task.outcome(write(brokers, batch)) for batch in batches])
