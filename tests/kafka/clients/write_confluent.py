"""Writes with confluent-kafka, which is librdkafka's own package for Python (task.py)."""

import confluent_kafka
import task


def write(brokers, batch):
    """One producer for each batch, with the client's defaults. Gives back an error or None for each record."""
    producer = confluent_kafka.Producer(
        {"bootstrap.servers": brokers, "compression.type": batch["codec"], "linger.ms": 50, **batch["settings"]}
    )
    tried = [None] * len(batch["records"])

    def delivered(place):
        def note(error, _message):
            tried[place] = error and confluent_kafka.KafkaException(error)

        return note

    for place, record in enumerate(batch["records"]):
        # It has no value for "none given" but to leave it out.
        times = {} if record["timestamp"] is None else {"timestamp": record["timestamp"]}
        try:
            producer.produce(
                batch["topic"],
                key=record["key"],
                value=record["value"],
                headers=record["headers"],
                on_delivery=delivered(place),
                **times,
            )
        except (TypeError, ValueError) as error:
            tried[place] = error
    assert producer.flush(60) == 0, "the broker did not acknowledge everything"
    return tried


if __name__ == "__main__":
    brokers, batches = task.read()
    done = [task.outcome(write(brokers, batch)) for batch in batches]
    task.answer(f"{confluent_kafka.__version__} (librdkafka {confluent_kafka.libversion()[0]})", done)
