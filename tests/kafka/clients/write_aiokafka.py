"""Writes with aiokafka (task.py)."""

import asyncio

import aiokafka
import task


async def write(brokers, batch):
    """One producer for each batch, with the client's defaults. Gives back an error or None for each record."""
    codec = None if batch["codec"] == "none" else batch["codec"]
    tried, sent = [None] * len(batch["records"]), {}
    async with aiokafka.AIOKafkaProducer(
        bootstrap_servers=brokers, compression_type=codec, linger_ms=50, **batch["settings"]
    ) as producer:
        for place, record in enumerate(batch["records"]):
            try:
                sent[place] = await producer.send(
                    batch["topic"],
                    key=record["key"],
                    value=record["value"],
                    headers=record["headers"],
                    timestamp_ms=record["timestamp"],
                )
            except (AssertionError, TypeError, ValueError) as error:
                tried[place] = error
        for future in sent.values():
            await asyncio.wait_for(future, 60)
    return tried


async def main():
    brokers, batches = task.read()
    done = [task.outcome(await write(brokers, batch)) for batch in batches]
    task.answer(aiokafka.__version__, done)


if __name__ == "__main__":
    asyncio.run(main())
