"""The statements of the code, each with a name that a small edit does not change: from the query cache and the sources.

A statement of its own file has the file's name (`makegood/job/claim_next.sql`); one inside a function has the function's
(`makegood/job/finish.rs complete`). Two of one function are told apart by their verb and table, and at last by their number.
"""

import collections
import dataclasses
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "local" / "stack"))

from columns import MACRO, TEXT, unescaped  # noqa: E402

# What is deployed, and the command. The statements of local/ and of the tests serve no request.
FOLDERS = ["functions", "shared", "cli"]
# They read whole tables on purpose; benches/doctor.sh measures them together.
LEFT_OUT = "operate/doctor/"
FUNCTION = re.compile(r"^\s*(?:pub(?:\([a-z]+\))? )?(?:async )?fn (\w+)", re.M)
TYPES = {"Int4": "integer", "Int8": "bigint", "Float8": "double precision", "Bool": "boolean", "Varchar": "varchar"}


@dataclasses.dataclass
class Statement:
    """A statement, what it is called and the types of its parameters, as Postgres names them."""

    name: str
    text: str
    types: list


def type_name(kind):
    """A type of the query cache as Postgres names it: `UuidArray` is `uuid[]`."""
    if kind.endswith("Array"):
        return type_name(kind.removesuffix("Array")) + "[]"
    return TYPES.get(kind, kind.lower())


def cached():
    """Text of each statement in the query cache, with the types of its parameters."""
    found = {}
    for file in sorted((ROOT / ".sqlx").glob("query-*.json")):
        query = json.loads(file.read_text())
        found[query["query"]] = [type_name(kind) for kind in query["describe"]["parameters"]["Left"]]
    return found


def short(path):
    """`shared/makegood/src/job/fail.sql` as `makegood/job/fail.sql`."""
    return re.sub(r"^(functions|shared)/", "", str(path.relative_to(ROOT))).replace("/src/", "/", 1)


def places_in(file, crate):
    """The text of each statement of a source file, and the place that names it. A test module at its end is left out."""
    code = re.split(r"#\[cfg\(test\)\]\s*mod ", file.read_text())[0]
    for macro in MACRO.finditer(code):
        found = TEXT.match(re.sub(r"^[A-Z]\w*,\s*", "", code[macro.end() :]))
        text = found["raw"] if found["plain"] is None else unescaped(found["plain"])
        if macro[1]:
            yield (crate / text).read_text(), short(crate / text)
        else:
            function = FUNCTION.findall(code, 0, macro.start())
            yield text, f"{short(file)} {function[-1] if function else 'constant'}"


def sources():
    """The text of each statement of what is deployed, with the first place that has it."""
    found = {}
    for folder in FOLDERS:
        for manifest in sorted((ROOT / folder).rglob("Cargo.toml")):
            for file in sorted((manifest.parent / "src").rglob("*.rs")):
                for text, place in places_in(file, manifest.parent):
                    found.setdefault(text, place)
    return found


def about(text):
    """Verb and table of a statement, which tell two of one function apart."""
    plain = re.sub(r"--[^\n]*", "", text)
    verb = re.match(r"\s*(\w+)", plain)[1]
    table = re.search(r"\b(?:FROM|INTO|JOIN|(?<!FOR )UPDATE) (?!unnest\b|\()(\w+)", plain)
    return f"{verb} {table[1]}" if table else verb


def named(places):
    """Names for these texts and places: as short as they can be while they are different."""
    names = dict(places)
    for more in [lambda text, place, _: f"{place} {about(text)}", lambda _, place, number: f"{place} #{number}"]:
        counts, seen = collections.Counter(names.values()), collections.Counter()
        for text, name in names.items():
            seen[name] += 1
            if counts[name] > 1:
                names[text] = more(text, name, seen[name])
    return names


def statements():
    """Every statement of what is deployed by name, and the names of those that the query cache does not have."""
    cache, names = cached(), named(sources())
    in_order = sorted((item for item in names.items() if not item[1].startswith(LEFT_OUT)), key=lambda item: item[1])
    found = {name: Statement(name, text, cache[text]) for text, name in in_order if text in cache}
    return found, [name for text, name in in_order if text not in cache]
