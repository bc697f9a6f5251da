"""Loops: a message that makes a function send another one to a queue from which it may be started again.

Lambda ends such a lineage after about sixteen rounds, to the queue's dead letters, unless the function says RecursiveLoop: Allow.
"""

import re

from . import sources
from .model import queues_in, target

ROUNDS_OF_LAMBDA = 16


def job_rounds():
    """A job's attempts, and how often an outage spares one (shared/makegood/src/job/finish.rs)."""
    spared = re.search(r"const MOST_SPARED: i32 = (\d+);", sources.rust_files()["shared/makegood/src/job/finish.rs"])
    return 3 + int(spared[1])


# Every cycle that there may be: what is started again by its own messages, and how many rounds bound it.
BOUNDS = {("JobsQueue", "finalize-order"): job_rounds}


def edges(template):
    """What starts what by a message: queue to function, function to queue, queue to its dead-letter queue."""
    found = {}
    for name, function in template.functions().items():
        found[name] = set()
        for variable, value in function.get("Environment", {}).get("Variables", {}).items():
            if "QUEUE_URL" in variable:
                found[name] |= queues_in(value)
        for mapping in template.mappings_of(name):
            if queue := target(mapping["EventSourceArn"]):
                found.setdefault(queue, set()).add(name)
    for name, queue in template.of("AWS::SQS::Queue").items():
        if "RedrivePolicy" in queue:
            found.setdefault(name, set()).add(target(queue["RedrivePolicy"]["deadLetterTargetArn"]))
    return found


def cycles(template):
    """Each circle once, from its first queue on in the alphabet."""
    graph, found = edges(template), set()

    def walk(path):
        for following in sorted(graph.get(path[-1], ())):
            if following in path:
                circle = path[path.index(following) :]
                start = circle.index(min(circle))
                found.add(tuple(circle[start:] + circle[:start]))
            else:
                walk([*path, following])

    for start in graph:
        walk([start])
    return sorted(found)


def every_loop_is_bounded(template):
    functions = template.functions()
    circles = cycles(template)
    for circle in circles:
        if circle not in BOUNDS:
            yield f"{' -> '.join(circle)} is a loop that nothing is known to bound; say in loops.py what does"
            continue
        for name in set(circle) & set(functions):
            allowed = functions[name].get("RecursiveLoop") == "Allow"
            if BOUNDS[circle]() >= ROUNDS_OF_LAMBDA and not allowed:
                yield f"{name} may go {BOUNDS[circle]()} rounds, and Lambda ends them after {ROUNDS_OF_LAMBDA}: it needs RecursiveLoop: Allow"
    for circle in sorted(set(BOUNDS) - set(circles)):
        yield f"{' -> '.join(circle)} is no loop any more"
    looping = {name for circle in circles for name in circle}
    for name, function in functions.items():
        if function.get("RecursiveLoop") == "Allow" and name not in looping:
            yield f"{name} is in no loop and allows one"


CHECKS = [every_loop_is_bounded]
