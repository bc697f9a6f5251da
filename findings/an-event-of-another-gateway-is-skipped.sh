#!/usr/bin/env bash
# fastsqs takes a payment of one gateway for a repeat of another gateway's when their events have the same id, and acknowledges it unread.
#
# Version    PyPI fastsqs 1.2.0 (with pydantic 2.14.4)
# Guess      its IdempotencyMiddleware, whose default key `id` is said to match CloudEvents, knows an event as CloudEvents does: by source and
#            id; an event that was handled is not handled again for a day, or its record fails
# Seen       id 1 of /gateways/razorpay, then id 1 of /gateways/khalti     the second is not handled, no batchItemFailures: it is deleted
#            the store can't be reached when the handler is done           no batchItemFailures, one line of log; a repeat after 299 s is
#                                                                          refused, one after 301 s is handled again
#            With a key that holds source and id both payments are handled.
# So         gateways that number their events lose each other's, and nothing comes to a dead-letter queue. Put source and id into one field
#            and name it as `key_path`, and commit the key with the work, in one transaction, instead of in a store beside it.
# Tried      2026-11-30
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check fastsqs==1.2.0 pydantic==2.14.4
cat >events.py <<'PY'
import asyncio
import json
import logging

from fastsqs import FastSQS
from fastsqs.events import CloudEvent
from fastsqs.middleware import IdempotencyMiddleware, InMemoryIdempotencyStore
from pydantic import BaseModel

logging.disable(logging.CRITICAL)


class Payment(BaseModel):
    amount: int


class Paid(CloudEvent[Payment]):
    __message_type__ = "com.example.paid.v1"
    key: str = ""


def application(store, **options):
    """An application that keeps what it handled."""
    handled = []
    app = FastSQS()
    app.add_middleware(IdempotencyMiddleware(store, **options))

    @app.route(Paid)
    async def paid(msg: Paid):
        handled.append(f"{msg.source} {msg.id} {msg.data.amount}")

    return app, handled


def record(source, identifier, amount):
    body = {"specversion": "1.0", "id": identifier, "source": source, "type": "com.example.paid.v1", "data": {"amount": amount}, "key": f"{source} {identifier}"}
    return {"messageId": f"{source} {identifier}", "body": json.dumps(body), "eventSourceARN": "arn:aws:sqs:ap-south-1:123456789012:paid"}


async def give(app, *records):
    return [(await app.async_handler({"Records": [each]}, None))["batchItemFailures"] for each in records]


class AwayOnce(InMemoryIdempotencyStore):
    """Can't be reached when the first event is done."""

    is_away = True

    async def mark_complete(self, key, ttl_seconds):
        if self.is_away:
            self.is_away = False
            raise ConnectionError
        await super().mark_complete(key, ttl_seconds)


async def main():
    two_gateways = record("/gateways/razorpay", "1", 4999), record("/gateways/khalti", "1", 900)
    app, handled = application(InMemoryIdempotencyStore())
    print("two gateways, failures:", await give(app, *two_gateways), "handled:", handled)
    app, handled = application(InMemoryIdempotencyStore(), key_path="key")
    print("two gateways, own key, failures:", await give(app, *two_gateways), "handled:", handled)
    now = 0
    app, handled = application(AwayOnce(clock=lambda: now))
    event = record("/gateways/razorpay", "7", 4999)
    for now in (0, 299, 301, 302):
        print(f"store away once, after {now} s, failures:", await give(app, event), "handled:", len(handled))


asyncio.run(main())
PY
seen=$(python/bin/python events.py)
echo "$seen"
[[ "$seen" == "two gateways, failures: [[], []] handled: ['/gateways/razorpay 1 4999']
two gateways, own key, failures: [[], []] handled: ['/gateways/razorpay 1 4999', '/gateways/khalti 1 900']
store away once, after 0 s, failures: [[]] handled: 1
store away once, after 299 s, failures: [[{'itemIdentifier': '/gateways/razorpay 7'}]] handled: 1
store away once, after 301 s, failures: [[]] handled: 2
store away once, after 302 s, failures: [[]] handled: 2" ]] || { echo "The behaviour has changed." >&2; exit 1; }
