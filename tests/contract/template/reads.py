"""Which variables each binary reads of its environment, and which of them it can't start without, from the Rust sources.

Followed are the functions that are handed an `Environment`, from a function's `main` on: every name in capitals that stands in one
of them as a literal is a variable that it reads (`config.rs` is the only reader). What it reads hangs on what is set, as on `TRANSPORT`;
those few forks are in `FORKS`.
"""

import functools
import re
from dataclasses import dataclass

from . import sources

FUNCTION = re.compile(r"^ *(?:pub(?:\([^)]*\))? )?(?:const )?(?:async )?fn (\w+)", re.MULTILINE)
TYPE = re.compile(r"^impl(?:<[^>]*>)? (?:[\w:<>]+ for )?(\w+)", re.MULTILINE)
STRING = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\\\'])\'', re.DOTALL)
CONSTANT = re.compile(r'const (\w+): &str = "([A-Z][A-Z0-9_]+)"')
# A call that is handed the environment first, and one that is handed it last.
CALL = re.compile(r"((?:\w+::)*\w+)\(\s*(?:&mut |&)?environment\b")
STAGE = re.compile(r"\b(run_stage)\(")
NAME = re.compile(r'"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|TRANSPORT|PIPELINES)"')
SECRET = re.compile(r'(then\(\|\| )?SecretSource::read(_if_given)?\(\s*(?:&mut )?environment,\s*"(\w+)"')
NEEDED = [
    re.compile(r'\.(?:required|list)\(\s*"(\w+)"'),
    re.compile(r'\burl\(\s*environment,\s*"(\w+)"'),
    # One whose absence is noted by hand.
    re.compile(r'let Some\(\w+\) = environment\.optional\("(\w+)"\) else \{\s*environment\.note'),
]
# Read as needed only where it is there.
IF_GIVEN = re.compile(r'match environment\.optional\("(\w+)"\)')
# Where what is read hangs on what is set: the function that is entered, and when.
FORKS = {
    "DatabaseConfig::read_secret": lambda told: not told.get("DATABASE_URL"),
    "TransportConfig::read_kafka": lambda told: told.get("TRANSPORT") == "kafka",
    "read_routes": lambda told: told.get("TRANSPORT", "sqs") == "sqs",
}
# Reads all that there is of the types of event; the others those that they publish.
ANY_TOPIC, TOPICS = "Destinations::read", "read_routes"
# Started before the environment is read.
ALWAYS = {"METRICS_NAMESPACE"}


@dataclass(frozen=True)
class Reader:
    """A function of the sources that is handed the environment."""

    name: str
    path: str
    body: str


@dataclass
class Reading:
    """What one binary makes of what it is told."""

    told: dict
    topics: set
    read: set
    missing: set

    def take(self, name, needed):
        self.read.add(name)
        if needed and not self.told.get(name):
            self.missing.add(name)


def body_after(code, start):
    """From here to the brace that closes the next one, literals included."""
    blank = STRING.sub(lambda match: " " * len(match[0]), code[start:])
    opened, depth = blank.index("{"), 0
    for index in range(opened, len(blank)):
        depth += {"{": 1, "}": -1}.get(blank[index], 0)
        if depth == 0:
            return code[start : start + index + 1]
    return code[start:]


@functools.cache
def readers():
    """Every function that is handed the environment, by its name."""
    found = {}
    for path, code in sources.rust_files().items():
        if "nvironment" not in code or path.endswith("_tests.rs"):
            continue
        constants = dict(CONSTANT.findall(code))
        types = [(match.start(), match[1]) for match in TYPE.finditer(code)]
        for match in FUNCTION.finditer(code):
            text = body_after(code, match.start())
            if "nvironment" not in text:
                continue
            for constant, value in constants.items():
                text = re.sub(rf"\b{constant}\b", f'"{value}"', text)
            # A free function stands at the line's beginning, one of a type within it.
            indented = match[0].startswith(" ")
            within = [name for start, name in types if start < match.start()] if indented else []
            name = f"{within[-1]}::{match[1]}" if within else match[1]
            found.setdefault(name, []).append(Reader(name, path, text))
    return found


def called(reader, name):
    """The function behind a call in this one: of its own crate, if there is one of that name."""
    *path, last = name.split("::")
    owner = path[-1] if path and path[-1][0].isupper() else None
    if owner == "Self":
        owner = reader.name.split("::")[0]
    every = readers().get(f"{owner}::{last}" if owner else last, [])
    crate = "/".join(reader.path.split("/")[:2])
    return [one for one in every if one.path.startswith(crate + "/")] or every


def follow(reader, reading, seen):
    if reader in seen:
        return
    seen.add(reader)
    if reader.name.endswith("::read_if_any"):
        named = NAME.findall(re.search(r"let named = \[([^\]]*)\]", reader.body)[1])
        reading.read.update(named)
        if not any(reading.told.get(name) for name in named):
            return
    secrets = {name: bool(then or if_given) for then, if_given, name in SECRET.findall(reader.body)}
    needed = {name for form in NEEDED for name in form.findall(reader.body)} - set(IF_GIVEN.findall(reader.body))
    for name in NAME.findall(reader.body):
        if name not in secrets:
            reading.take(name, name in needed)
    for name, may_be_absent in secrets.items():
        reading.read |= {name, f"{name}_ARN"}
        if not may_be_absent and not (reading.told.get(name) or reading.told.get(f"{name}_ARN")):
            reading.missing.add(f"{name}_ARN")
    if reader.name in (TOPICS, ANY_TOPIC):
        for topic in topics().values() if reader.name == ANY_TOPIC else reading.topics:
            reading.take(f"QUEUE_URL_{topic.upper().replace('-', '_')}", reader.name == TOPICS)
    for name in [*CALL.findall(reader.body), *STAGE.findall(reader.body)]:
        for other in called(reader, name):
            if FORKS.get(other.name, lambda told: True)(reading.told):
                follow(other, reading, seen)
    if "environment.business_timezone()" in reader.body:
        reading.take("BUSINESS_TIMEZONE", False)
    if "environment.business_weekdays()" in reader.body:
        reading.take("BUSINESS_WEEKDAYS", False)
    if "environment.clash_rules()" in reader.body:
        reading.take("TRAINER_SESSIONS", False)
        reading.take("ALTERNATIVE_SLOTS", False)


@functools.cache
def topics():
    """The topic of each type of event."""
    code = sources.rust_files()["shared/makegood/src/event/mod.rs"]
    return dict(re.findall(r'Self::(\w+) => "([a-z]+(?:-[a-z]+)+)"', code))


def published(binary, told):
    """The topics that a binary publishes to; the sweep leaves those out whose pipeline is not there."""
    (main,) = [one for one in readers()["main"] if one.path == f"functions/{binary}/src/main.rs"]
    types = set(re.findall(r"EventType::(\w+)", main.body))
    if "pipelines.published()" in main.body:
        code = sources.rust_files()["functions/sweep/src/pipelines.rs"]
        of_shop = set(re.findall(r"EventType::(\w+)", re.search(r"const OF_SHOP: [^=]*= \[([^\]]*)\]", code)[1]))
        left_out = {"course": of_shop, "shop": set(topics()) - of_shop}.get(told.get("PIPELINES"), set())
        types = set(topics()) - left_out
    return {topics()[name] for name in types}


def reading_of(binary, told):
    """What this binary reads, and misses, when it is told these variables."""
    return reading(binary, tuple(sorted(told.items())))


@functools.cache
def reading(binary, told):
    (main,) = [one for one in readers()["main"] if one.path == f"functions/{binary}/src/main.rs"]
    found = Reading(dict(told), published(binary, dict(told)), set(ALWAYS), set())
    follow(main, found, set())
    return found
