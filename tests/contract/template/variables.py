"""Environment variables: what a binary can't start without is set, and what is set is read, in every combination of the main parameters.

What each binary reads is taken from its sources (reads.py), what it is told from the template as SAM expands it. A function that lacks one
refuses every invocation; one that is set and not read is a switch that an operator turns and nothing happens.
"""

import functools

from . import expansion, reads

# Set, and read by no function that reads.py follows; on purpose.
SPARE = {
    "RELEASE": "makes a changed parameter a new version for an alias (docs/deploy.md)",
    "STAGE": "read at the end of the reading, beside every merchant that is set (config/local.rs)",
}
# Set with Kafka as well, where only the console and a sweep look at them: Transport is changed by one parameter, and back.
OF_QUEUES, WITH_KAFKA = "QUEUE_URL_", {"TRANSPORT": "kafka"}
# Read, and set by nothing in the template: their defaults are what AWS needs.
LEFT_OUT = {
    ("any", "MSK_PARTIAL_RESPONSES"): "decisions/0004: only with pollers of MSK's provisioned mode",
    ("any", "KAFKA_AUTH"): "decisions/0011: brokers without login, in tests",
    ("admin", "OIDC_CLIENT_SECRET"): "the secret itself, in tests; the template gives its ARN",
    ("console-login", "OIDC_CLIENT_SECRET"): "the secret itself, in tests; the template gives its ARN",
    ("migrate", "DATABASE_POOL_SIZE"): "it takes one connection at a time, whatever this is",
}
# What Lambda sets by itself.
OF_LAMBDA = "AWS_"


def told(stack, resource):
    """The variables of a function in this combination. What another resource fills in is told, whatever it is."""
    variables = stack.resolved(resource["Properties"]).get("Environment", {}).get("Variables", {})
    return {name: value if isinstance(value, str) else "given" for name, value in variables.items()}


def binary(template, name):
    return template.document["Resources"][name]["Metadata"]["BuildProperties"]["Binary"]


@functools.lru_cache(maxsize=2)
def each(template):
    """(a combination, binary, what it is told, what it makes of it) of every different set of variables, each once."""
    found = {}
    for stack, name, resource in expansion.each_form(template, {"AWS::Lambda::Function"}):
        variables = told(stack, resource)
        key = (name, *sorted(variables.items()))
        if key not in found:
            found[key] = (stack, binary(template, name), variables, reads.reading_of(binary(template, name), variables))
    return list(found.values())


def what_a_binary_needs_is_set(template):
    for stack, name, _, reading in each(template):
        for variable in sorted(reading.missing):
            yield f"{name} does not start without {variable}, which is not set with {stack}"


def what_is_set_is_read(template):
    said = set()
    for stack, name, variables, reading in each(template):
        spare = set(SPARE) | {v for v in variables if v.startswith(OF_QUEUES) and WITH_KAFKA.items() <= variables.items()}
        for variable in sorted({v for v, value in variables.items() if value} - reading.read - spare):
            if (name, variable) not in said:
                said.add((name, variable))
                yield f"{name} is told {variable} and does not read it, with {stack}"


def what_is_read_can_be_set(template):
    """In one way to deploy at least; else it could never be chosen."""
    settable, wanted = {}, {}
    for name, resource in template.document["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            settable[binary(template, name)] = set(resource["Properties"].get("Environment", {}).get("Variables", {}))
    ours = set(template.document["Globals"]["Function"].get("Environment", {}).get("Variables", {}))
    for _, name, _, reading in each(template):
        wanted.setdefault(name, set()).update(reading.read)
    for name, variables in wanted.items():
        for variable in sorted(variables - settable[name] - ours):
            if not variable.startswith(OF_LAMBDA) and not {("any", variable), (name, variable)} & set(LEFT_OUT):
                yield f"{name} reads {variable}, which the template never sets"
    for name, variable in LEFT_OUT:
        if not any(variable in read for function, read in wanted.items() if name in ("any", function)):
            yield f"no function reads {variable} any more; take it out of variables.LEFT_OUT"


CHECKS = [what_a_binary_needs_is_set, what_is_set_is_read, what_is_read_can_be_set]
