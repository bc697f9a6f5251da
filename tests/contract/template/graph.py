"""What waits for what in the template as SAM expands it: nothing points at what is not made, and nothing waits for itself.

For every combination of the main parameters, by Ref, Fn::GetAtt, Fn::Sub and DependsOn. CloudFormation finds both only once it has
the parameters: the first when it makes the resource, the second before it makes anything.
"""

import functools

from . import expansion
from .expansion import names_in
from .model import listed

# What CloudFormation gives by itself.
PSEUDO = "AWS::"


def references(value, guards=()):
    """(what is pointed at, the branches that must be taken for it) of this part; a branch is a condition and whether it holds."""
    if isinstance(value, list):
        for part in value:
            yield from references(part, guards)
    elif isinstance(value, dict):
        if "Fn::If" in value:
            condition, then, otherwise = value["Fn::If"]
            yield from references(then, (*guards, (condition, True)))
            yield from references(otherwise, (*guards, (condition, False)))
            return
        for key, part in value.items():
            if key == "Ref":
                yield part, guards
            elif key == "Fn::GetAtt":
                yield (part if isinstance(part, str) else part[0]).split(".")[0], guards
            elif key == "Fn::Sub":
                text, own = (part, {}) if isinstance(part, str) else part
                yield from ((name.split(".")[0], guards) for name in names_in(text) if name not in own)
                yield from references(own, guards)
            else:
                yield from references(part, guards)


def edges(plain):
    """(from, to, what must hold for it) of each resource and output: its own condition, and the branches."""
    parts = {**plain["Resources"], **{f"output {name}": output for name, output in plain["Outputs"].items()}}
    for name, part in parts.items():
        own = ((part["Condition"], True),) if part.get("Condition") else ()
        for key, value in part.items():
            if key == "DependsOn":
                yield from ((name, other, own) for other in listed(value))
            elif key not in ("Condition", "Type", "Metadata"):
                yield from ((name, other, own + guards) for other, guards in references(value))


@functools.lru_cache(maxsize=2)
def looked_at(template):
    """[(the stacks that have one value of SAM's parameter, its edges, each once)]"""
    found = []
    for value, plain in expansion.plain_templates(template).items():
        stacks = [stack for stack in expansion.different(template) if stack.parameters[expansion.READ_BY_SAM] == value]
        found.append((stacks, dict.fromkeys(edges(plain))))
    return found


def first(stacks, guards):
    """The first combination in which all of these hold, or none."""
    return next((stack for stack in stacks if all(stack.holds(name) is wanted for name, wanted in guards)), None)


def nothing_points_at_what_is_not_made(template):
    for stacks, found in looked_at(template):
        plain, known = stacks[0].document, {}
        for name, other, guards in found:
            if other.startswith(PSEUDO) or other in plain["Parameters"]:
                continue
            resource = plain["Resources"].get(other)
            # Not made at all, or under a condition of its own.
            if resource and not resource.get("Condition"):
                continue
            without = (*guards, (resource["Condition"], False)) if resource else guards
            if without not in known:
                known[without] = first(stacks, without)
            if known[without]:
                yield f"{name} points at {other}, which is not made with {known[without]}"


def nothing_waits_for_itself(template):
    for stacks, found in looked_at(template):
        made, together = stacks[0].document["Resources"], {}
        for name, other, guards in found:
            if name in made and other in made:
                together.setdefault(name, {}).setdefault(other, set()).add(guards)
        # What waits in no combination for itself with all edges at once needs no further look.
        if not circle(together):
            continue
        for stack in stacks:
            here = {name: {other for other, ways in others.items() if any(first([stack], way) for way in ways)} for name, others in together.items()}
            if round_about := circle(here):
                yield f"{' waits for '.join(round_about)}, with {stack}"
                break


def circle(graph):
    """A way from a node back to itself, or none."""
    done = set()
    for start in graph:
        path, left = [start], [iter(sorted(graph[start]))]
        while path:
            following = next(left[-1], None)
            if following is None:
                done.add(path.pop())
                left.pop()
            elif following in path:
                return [*path[path.index(following) :], following]
            elif following not in done:
                path.append(following)
                left.append(iter(sorted(graph.get(following, ()))))
    return None


CHECKS = [nothing_points_at_what_is_not_made, nothing_waits_for_itself]
