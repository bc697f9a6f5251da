"""A discrete-event simulation of one stage: messages arrive at random, pollers gather and work. It knows nothing of the formula."""

import heapq
import random
from collections import deque
from dataclasses import dataclass, field


@dataclass
class Counted:
    """What happened in the simulated time."""

    messages: int = 0
    invocations: int = 0
    busy_ms: float = 0
    receives: int = 0
    waits_ms: list = field(default_factory=list)

    def p95_wait_ms(self):
        return sorted(self.waits_ms)[int(0.95 * len(self.waits_ms))] if self.waits_ms else 0.0


class Simulation:
    """Poisson arrivals; a free poller takes what is there, at most ten a request, until its batch is full or its window over."""

    def __init__(self, stage, rate, seed):
        self.stage, self.rate, self.random = stage, rate, random.Random(seed)
        self.events, self.order = [], 0
        self.waiting, self.backlog = list(range(stage.workers)), deque()
        self.batches = [[] for _ in range(stage.workers)]
        self.rounds = [0] * stage.workers
        self.counted = Counted()

    def at(self, when, what, *details):
        self.order += 1
        heapq.heappush(self.events, (when, self.order, what, details))

    def run(self, seconds):
        self.at(self.random.expovariate(self.rate) * 1000, self.arrive)
        while self.events and self.events[0][0] < seconds * 1000:
            when, _, what, details = heapq.heappop(self.events)
            what(when, *details)
        return self.counted

    def arrive(self, now):
        self.at(now + self.random.expovariate(self.rate) * 1000, self.arrive)
        if self.waiting:
            self.take(now, self.random.choice(self.waiting), [now])
        else:
            self.backlog.append(now)

    def take(self, now, poller, arrived):
        """Gives these messages to a poller that gathers; the first of a batch starts its window."""
        batch = self.batches[poller]
        first = not batch
        batch.extend(arrived)
        self.counted.receives += -(-len(arrived) // 10)
        if len(batch) >= self.stage.batch or not self.stage.window_ms:
            self.work(now, poller)
        elif first:
            self.at(now + self.stage.window_ms, self.window_over, poller, self.rounds[poller])

    def window_over(self, now, poller, round_):
        if self.rounds[poller] == round_:
            self.work(now, poller)

    def work(self, now, poller):
        self.rounds[poller] += 1
        if poller in self.waiting:
            self.waiting.remove(poller)
        batch, counted = self.batches[poller], self.counted
        duration = self.stage.duration_ms(len(batch))
        counted.messages += len(batch)
        counted.invocations += 1
        counted.busy_ms += duration
        counted.waits_ms.extend(now - arrived for arrived in batch)
        self.at(now + duration, self.done, poller)

    def done(self, now, poller):
        self.batches[poller] = []
        self.waiting.append(poller)
        if self.backlog:
            taken = [self.backlog.popleft() for _ in range(min(len(self.backlog), self.stage.batch))]
            self.take(now, poller, taken)


def simulate(stage, rate, seconds, seed=1):
    """What this stage does with this many messages a second for so long."""
    return Simulation(stage, rate, seed).run(seconds)
