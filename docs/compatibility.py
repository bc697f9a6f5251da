"""Writes the tables of docs/compatibility.md from the rows that tests noted while they ran.

    python3 docs/compatibility.py           prints the tables
    python3 docs/compatibility.py --write   puts them into the page
    python3 docs/compatibility.py --check   fails when the page names another version of a package than the stack installs

A test notes a row in .local/compatibility/PART/NAME.json: {"cells": [["client", "kafkajs"], ["version", "2.2.4"], ...]}. A part's table lies
between the lines `<!-- PART -->` and `<!-- end -->` of the page. A part of which nothing was noted keeps its table; one of which fewer rows
were noted than it has is not written, as some of its tests did not run.
"""

import json
import os
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "compatibility.md"
STATE = pathlib.Path(os.environ.get("MAKEGOOD_STATE", ROOT / ".local"))
REQUIREMENTS = ROOT / "local" / "stack" / "requirements"
PART = re.compile(r"<!-- ([a-z-]+) -->\n(.*?)<!-- end -->\n", re.DOTALL)


def line(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def table(part: str) -> str:
    """The table of what was noted of a part; empty when nothing was."""
    rows = [json.loads(file.read_text())["cells"] for file in sorted((STATE / "compatibility" / part).glob("*.json"))]
    if not rows:
        return ""
    columns = [name for name, _ in rows[0]]
    for row in rows:
        assert [name for name, _ in row] == columns, f"{part}: rows of different columns: {row}"
    head = line(columns) + line(["---"] * len(columns))
    return head + "".join(line([text for _, text in row]) for row in rows)


def written(match: re.Match[str]) -> str:
    part, old = match.groups()
    new = table(part)
    if not new:
        return match.group()
    if new.count("\n") < old.count("\n"):
        sys.exit(f"{part}: fewer rows were noted than docs/compatibility.md has; run all of its tests, or take a row out by hand")
    return f"<!-- {part} -->\n{new}<!-- end -->\n"


def pinned() -> dict[str, str]:
    """The version of each package that local/stack/install.sh installs."""
    versions = {}
    for file in REQUIREMENTS.glob("*.txt"):
        found = dict(re.findall(r"^([\w.-]+)==(\S+)", file.read_text(), re.MULTILINE))
        versions |= found | {f"PyPI {name}": version for name, version in found.items()}
    for file in REQUIREMENTS.glob("*/package.json"):
        found = json.loads(file.read_text())["dependencies"]
        versions |= found | {f"npm {name}": version for name, version in found.items()}
    return versions


def differences() -> list[str]:
    """Rows of packages whose version is not the pinned one."""
    versions, found = pinned(), []
    for _, rows in PART.findall(PAGE.read_text()):
        for row in rows.splitlines()[2:]:
            name, version = [cell.strip() for cell in row.split("|")[1:3]]
            if name in versions and version.split(" ")[0] != versions[name]:
                found.append(f"docs/compatibility.md: {name} {version}; installed is {versions[name]}. Run its tests, then --write")
    return found


def offered_and_not_tried() -> list[str]:
    """Major versions of the database that template.yaml offers, and of which the page says nothing."""
    offered = re.search(r'^  DatabaseVersion:\n    Type: String\n    AllowedPattern: "1\[(\d+)\]', (ROOT / "template.yaml").read_text(), re.MULTILINE)
    assert offered, "template.yaml: DatabaseVersion has another pattern than docs/compatibility.py reads"
    page = PAGE.read_text()
    tried = set(re.findall(r"^\| (\d+)\.", dict(PART.findall(page))["servers"], re.MULTILINE))
    said = re.search(r"^Not tried as a whole: PostgreSQL ([\d, and]+)\.", page, re.MULTILINE)
    tried |= set(re.findall(r"\d+", said[1])) if said else set()
    majors = [f"1{digit}" for digit in offered[1]]
    return [
        f"docs/compatibility.md: the template offers PostgreSQL {major}, on which no whole suite has passed, and the page does not say so. "
        f"Type `make test ARGS=--postgres={major}`, then docs/compatibility.py --write"
        for major in majors
        if major not in tried
    ]


def main() -> None:
    if "--check" in sys.argv:
        found = differences() + offered_and_not_tried()
        if found:
            sys.exit("\n".join(found))
    elif "--write" in sys.argv:
        PAGE.write_text(PART.sub(written, PAGE.read_text()))
    else:
        for part, _ in PART.findall(PAGE.read_text()):
            print(f"{part}\n\n{table(part)}")


if __name__ == "__main__":
    main()
