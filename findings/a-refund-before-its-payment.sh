#!/usr/bin/env bash
# outbox-sqs sends a refund before its payment through a FIFO queue, gives up ten good events together, and stops on a host with a long name.
#
# Versions   PyPI outbox-sqs 0.1.1 · PyPI SQLAlchemy 2.1.9 · PyPI moto 5.2.5 (SQS) · npm @electric-sql/pglite 0.5.14 (Postgres)
# Guess      as its documents say: a FIFO queue with one group_id keeps the strict order; each row of a batch is settled by itself, and one
#            that fails too often is marked `failed`; several relays drain a table of Postgres
# Seen       paid and refunded of ORDER-1 in one group: the first fails once, in a batch     sent: refunded, paid
#            nine events of 120 kB and one of 5 bytes, in one batch                          10 rows `failed` after 8 attempts each:
#                                                                                            BatchRequestTooLong (1,080,005 of 1,048,576 bytes)
#            the same with `batch_size=5`                                                    10 rows published
#            a host named orders-relays-17.ap-south-1.a.example.com                          StringDataRightTruncation in each cycle: the relay's
#                                                                                            name has 88 characters, its column 64
#            All rows of a batch that was refused become due at one instant, so they meet again in the next. A host's name of more than about
#            fifteen characters is too long; SQLite takes it, so a test with SQLite does not tell.
# So         keep back the later rows of a group whose row failed, count bytes (1 MiB) as well as entries, and give `worker_id` a short name.
# Tried      2026-11-30
set -euo pipefail
work=$(mktemp -d)
server=
trap '[[ -z "$server" ]] || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --prefix "$work" @electric-sql/pglite-socket@0.2.17 @electric-sql/pglite@0.5.14 >/dev/null
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check outbox-sqs==0.1.1 SQLAlchemy==2.1.9 "moto[sqs]==5.2.5" boto3==1.40.61 "psycopg[binary]==3.3.9"
cat >postgres.mjs <<'JS'
import { createServer } from "node:net";
import { PGlite } from "@electric-sql/pglite";
import { PGLiteSocketServer } from "@electric-sql/pglite-socket";

const probe = createServer().listen(0, "127.0.0.1");
await new Promise((resolve) => probe.once("listening", resolve));
const { port } = probe.address();
await new Promise((resolve) => probe.close(resolve));
const server = new PGLiteSocketServer({ db: await PGlite.create(), port, host: "127.0.0.1" });
await server.start();
console.log(port);
JS
node postgres.mjs >port &
server=$!
until [[ -s port ]]; do
  kill -0 "$server"
  sleep 0.2
done
cat >relay.py <<'PY'
import collections
import logging
import os
import socket

os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="ap-south-1")
import boto3
from moto import mock_aws
from outbox_sqs import Base, InMemoryPublisher, OutboxEvent, Relay, SQSPublisher, save
from sqlalchemy import create_engine, select
from sqlalchemy.orm import sessionmaker
from sqlalchemy.pool import StaticPool

logging.disable(logging.CRITICAL)


def table(url="sqlite://", **options):
    engine = create_engine(url, poolclass=StaticPool, **options)
    Base.metadata.create_all(engine)
    return sessionmaker(engine)


def at_once(attempts):
    return 0


sessions = table(connect_args={"check_same_thread": False})
with sessions() as session:
    for name in ("paid", "refunded"):
        save(session, "orders.fifo", name, group_id="ORDER-1", dedup_id=name)
    session.commit()
publisher = InMemoryPublisher()
relay = Relay(sessions, publisher, backoff=at_once)
publisher.fail_ids = {1}
relay.run_once()
publisher.fail_ids = set()
relay.run_once()
print("sent through one group:", *[message.body for message in publisher.published])

with mock_aws():
    client = boto3.client("sqs")
    queue = client.create_queue(QueueName="orders")["QueueUrl"]
    for size in (10, 5):
        sessions = table(connect_args={"check_same_thread": False})
        with sessions() as session:
            for _ in range(9):
                save(session, queue, "x" * 120_000)
            save(session, queue, "small")
            session.commit()
        Relay(sessions, SQSPublisher(client), batch_size=size).run_once()
        with sessions() as session:
            due = len({row.available_at for row in session.execute(select(OutboxEvent)).scalars() if row.attempts})
            for row in session.execute(select(OutboxEvent)).scalars():
                row.available_at = row.created_at
            session.commit()
        relay = Relay(sessions, SQSPublisher(client), batch_size=size, backoff=at_once)
        for _ in range(8):
            relay.run_once()
        with sessions() as session:
            rows = list(session.execute(select(OutboxEvent)).scalars())
        print(f"batches of {size}:", dict(collections.Counter((row.status, row.attempts) for row in rows)), "instants of the first retry:", due)
        if rows[0].last_error:
            print(rows[0].last_error.split(": ", 1)[1].rstrip("')"))

socket.gethostname = lambda: "orders-relays-17.ap-south-1.a.example.com"
for name, sessions in (
    ("SQLite", table(connect_args={"check_same_thread": False})),
    ("Postgres", table(f"postgresql+psycopg://postgres@127.0.0.1:{os.environ['PORT']}/postgres", connect_args={"sslmode": "disable", "prepare_threshold": None})),
):
    with sessions() as session:
        save(session, "orders", "paid")
        session.commit()
    try:
        print(name, "published", Relay(sessions, InMemoryPublisher()).run_once())
    except Exception as error:
        print(name, type(error.orig).__name__, str(error.orig).splitlines()[0])
PY
seen=$(PORT=$(<port) python/bin/python relay.py)
echo "$seen"
[[ "$seen" == "sent through one group: refunded paid
batches of 10: {('failed', 8): 10} instants of the first retry: 1
Batch requests cannot be longer than 1048576 bytes. You have sent 1080005 bytes.
batches of 5: {('published', 0): 10} instants of the first retry: 0
SQLite published 1
Postgres StringDataRightTruncation value too long for type character varying(64)" ]] || { echo "The behaviour has changed." >&2; exit 1; }
