#!/usr/bin/env bash
# dramatiq on SQS deletes a message at its seventh failure, and its dead-letter queue stays empty.
#
# Versions   PyPI dramatiq-sqs 0.4.4 · PyPI dramatiq 2.2.1 · PyPI moto 5.2.5 · PyPI boto3 1.43.117
# Guess      with `dead_letter=True` a message whose task fails is tried again, later and later, up to 20 times (dramatiq's defaults), and is
#            then in the dead-letter queue; a pause that SQS can't make is made as long as SQS can
# Seen       a task that raises                            waiting    dead-letter queue
#              first failure                               1          0
#              fifth                                       1          0
#              seventh                                     0          0
#              first, `min_backoff` of an hour             0          0
#              first, `max_retries=0`                      0          1
#            The pause doubles from 15 s on. Over 900 s `enqueue` raises MessageDelayTooLong inside the middleware that retries; the worker
#            logs that and acknowledges the message as if it were done. (The sixth failure is lost when its jitter is above 900 s.)
# So         a gateway that is away for a quarter of an hour loses the orders of that time, and an alarm on the dead-letter queue is quiet.
#            Give the broker its own Retries with max_backoff=900000, as the package's README does without a reason, and none to actors.
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check dramatiq-sqs==0.4.4 dramatiq==2.2.1 'moto[sqs]==5.2.5' boto3==1.43.117
cat >work.py <<'PY'
import logging
import os
import threading

os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="us-east-1")
import dramatiq
import dramatiq_sqs
import moto

logging.disable(logging.CRITICAL)
moto.mock_aws().start()
broker = dramatiq_sqs.SQSBroker(dead_letter=True)
dramatiq.set_broker(broker)
over = threading.Semaphore(0)


class Over(dramatiq.Middleware):
    """Tells when a message is acknowledged or refused."""

    def after_ack(self, broker, message):
        over.release()

    def after_nack(self, broker, message):
        over.release()


broker.add_middleware(Over())


def fail(order):
    raise RuntimeError("the gateway is away")


def count(queue):
    queue.load()
    return sum(int(queue.attributes["ApproximateNumberOfMessages" + kind]) for kind in ("", "NotVisible", "Delayed"))


CASES = (
    ("first", {}, {}),
    ("fifth", {}, {"retries": 4}),
    ("seventh", {}, {"retries": 6}),
    ("first-of-an-hour", {"min_backoff": 3_600_000, "max_backoff": 7_200_000}, {}),
    ("first-and-last", {"max_retries": 0}, {}),
)
actors = [dramatiq.actor(fail, actor_name=name, queue_name=name, **options) for name, options, _ in CASES]
worker = dramatiq.Worker(broker, worker_timeout=100, worker_threads=1)
worker.start()
for actor, (name, _, before) in zip(actors, CASES):
    broker.enqueue(actor.message_with_options(args=("order-1",), **before))
    assert over.acquire(timeout=60)
    print(name, "waiting", count(broker.queues[name]), "dead", count(broker.dead_letter_queues[name]), flush=True)
os._exit(0)
PY
seen=$(python/bin/python work.py)
echo "$seen"
[[ "$seen" == "first waiting 1 dead 0
fifth waiting 1 dead 0
seventh waiting 0 dead 0
first-of-an-hour waiting 0 dead 0
first-and-last waiting 0 dead 1" ]] || { echo "The behaviour has changed." >&2; exit 1; }
