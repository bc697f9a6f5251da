"""What the calculator and the simulation both start from: the template's limits, measured times, and what had to be assumed."""

import math
import pathlib
import sys
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "contract"))

from template import budget  # noqa: E402
from template.model import load, target  # noqa: E402

# Measured, docs/performance.md, 2 cores, 2026-11-25, milliseconds (an invocation, each message). create-purchase: through the points
# at batch 1 (465 a second) and 100 (6,797) of one environment, which gives 3,077 at batch 10, where 3,694 were measured; each contains
# the publishing of its two events. finalize-order: four environments made 1,328 orders a second in sets (2026-11-29, unoptimized, beside
# other work: the slower of two runs); what an invocation itself takes of it is assumed.
MEASURED = {
    "receive-payment": (2.7, 0),  # p50 of a webhook
    "create-purchase": (2.0, 0.127),
    "top-up-sessions": (0, 0.84),  # seven sessions at 8,339 a second, 2026-11-21
    "create-order-intent": (7.9, 0),  # p50, without the gateway's own time
    "verify-payment": (8.1, 0),  # likewise
    "finalize-order": (5, 3),
}
# Assumed, milliseconds: these were not measured on AWS yet. (an invocation, each message)
ASSUMED = {
    "allocate-trainer": (210, 0),  # the admin service answers in 200 ms; a batch asks it all at once
    "schedule-sessions": (5, MEASURED["top-up-sessions"][1]),
    "invalidate-cache": (3, 0.02),
    "order-status": (1500, 0),  # how long a held request waits for its order
}
# Assumed likewise, on top of what was measured beside a gateway that answers at once.
GATEWAY_MS = {"create-order-intent": 300, "verify-payment": 300}
# What is far in a cloud and near on one machine: the database half a millisecond, SQS ten. (round trips, requests at once)
NETWORK_MS, SQS_MS, SQS_AT_ONCE = 0.5, 10, 8
ROUND_TRIPS = {"receive-payment": 4, "create-purchase": 4, "allocate-trainer": 5, "schedule-sessions": 5, "finalize-order": 6}
# Messages that each stage sends for one message that it takes.
SENDS = {"receive-payment": 1, "create-purchase": 2, "allocate-trainer": 2, "schedule-sessions": 1, "finalize-order": 1, "verify-payment": 1}
COURSE = ["receive-payment", "create-purchase", "allocate-trainer", "schedule-sessions", "invalidate-cache"]
ORDER = ["create-order-intent", "verify-payment", "order-status", "finalize-order"]
# How often each is started by one purchase or one order. A page asks twice until its order is there.
TIMES = {"invalidate-cache": 3, "order-status": 2}


@dataclass(frozen=True)
class Stage:
    """One function and what starts it. Without a batch it is started by a request."""

    name: str
    workers: int
    memory_mb: int
    connections: int
    batch: int = 1
    window_ms: float = 0

    @property
    def is_queue(self):
        return self.name not in {"receive-payment", "create-order-intent", "verify-payment", "order-status"}

    def duration_ms(self, messages):
        """How long an invocation with this many messages takes."""
        base, each = MEASURED.get(self.name) or ASSUMED[self.name]
        base += GATEWAY_MS.get(self.name, 0)
        requests = SENDS.get(self.name, 0) * math.ceil(messages / 10)
        publishing = math.ceil(requests / SQS_AT_ONCE) * SQS_MS
        return base + each * messages + ROUND_TRIPS.get(self.name, 0) * NETWORK_MS + publishing

    @property
    def most_a_second(self):
        """What all workers together get through when every batch is full."""
        return self.workers * self.batch / self.duration_ms(self.batch) * 1000


def stages():
    """Every stage of both pipelines by name, with the template's limits."""
    template, found = load(), {}
    memory = template.document["Globals"]["Function"]["MemorySize"]
    for name in COURSE + ORDER:
        function = template.functions()[name]
        pollers = [m for m in template.mappings_of(name) if target(m["EventSourceArn"])]
        limits = {"workers": function["ReservedConcurrentExecutions"]}
        if pollers:
            limits = {
                "workers": pollers[0]["ScalingConfig"]["MaximumConcurrency"],
                "batch": pollers[0]["BatchSize"],
                "window_ms": 1000 * pollers[0].get("MaximumBatchingWindowInSeconds", 0),
            }
        found[name] = Stage(name, memory_mb=function.get("MemorySize", memory), connections=budget.pool_of(function), **limits)
    return found
