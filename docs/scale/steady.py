"""The formula: what a stage does at a steady rate. `simulate.py` checks it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Steady:
    """A stage at a steady rate of messages (or requests) a second."""

    rate: float
    batch: float
    invocations: float
    gb_seconds: float
    at_once: float
    receives: float
    saturated: bool


def batch_at(stage, rate):
    """The messages of one invocation.

    With a window, a poller waits for a message, gathers, and works; in such a round it gets its share of what arrives.
    Without one, messages only come together while every worker is busy: as many as arrive between two that finish.
    """
    batch = 1.0
    for _ in range(200 if stage.is_queue else 0):
        each_round = rate / stage.workers * (stage.window_ms + stage.duration_ms(batch)) / 1000
        together = 1 + each_round if stage.window_ms else max(1, each_round)
        batch = (batch + min(stage.batch, together)) / 2
    return batch


def steady(stage, rate):
    """What this stage does with this many messages a second."""
    batch = batch_at(stage, rate)
    duration, invocations = stage.duration_ms(batch), rate / batch
    return Steady(
        rate=rate,
        batch=batch,
        invocations=invocations,
        gb_seconds=invocations * duration / 1000 * stage.memory_mb / 1024,
        at_once=invocations * duration / 1000,
        # While a poller gathers, each message comes alone.
        receives=(rate if stage.window_ms else invocations) if stage.is_queue else 0,
        saturated=rate > stage.most_a_second,
    )
