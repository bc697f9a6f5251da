"""The list of mutants (list/*.toml), and what must be true of it before anything is compiled."""

import re
import subprocess
import tomllib
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LISTS = HERE / "list"
FEWEST = 150
# Some tests are written by a macro, so that any name counts; the run itself knows better.
NAME = re.compile(r"\b[a-z][a-z0-9_]+\b")
RUST_ON = '::makegood::mutants::on("%s")'
SQL_ON = "(coalesce(current_setting('mutant.on', true), '') = '%s')"


@dataclass(frozen=True)
class Edit:
    """A text that is in a file exactly once, and what the scratch copy has in its place."""

    file: str
    old: str
    new: str
    owner: str


@dataclass(frozen=True)
class Mutant:
    """A guard with a switch that takes it away."""

    id: str
    area: str
    edits: tuple[Edit, ...]
    protects: str
    # The binary and the test that is expected to fail, as cargo nextest names them; empty when none is known.
    killer: str
    # Whose tests are run when that one passes.
    packages: tuple[str, ...]
    # Why it may survive; empty when it must not.
    known: str

    @property
    def file(self) -> str:
        return self.edits[0].file


def load() -> tuple[list[Mutant], list[Edit]]:
    """All mutants, and the edits that belong to none of them."""
    mutants, prepared = [], []
    for path in [HERE / "switch.toml", *sorted(LISTS.glob("*.toml"))]:
        content = tomllib.loads(path.read_text())
        prepared += [edit(entry, entry, path.stem) for entry in content.get("prepare", [])]
        for entry in content.get("mutant", []):
            edits = tuple(edit(one, entry, entry["id"]) for one in entry.get("edits", [entry]))
            packages = tuple(entry.get("packages", content["packages"]))
            killer, known = entry.get("killer", ""), entry.get("known", "")
            mutants.append(Mutant(entry["id"], path.stem, edits, entry["protects"], killer, packages, known))
    return mutants, prepared


def edit(one: dict, entry: dict, owner: str) -> Edit:
    new = one["new"].replace("{on}", RUST_ON % owner).replace("{sql_on}", SQL_ON % owner)
    return Edit(one.get("file", entry.get("file", "")), one["old"], new, owner)


def edits_by_file(mutants: list[Mutant], prepared: list[Edit]) -> dict[str, list[Edit]]:
    found = defaultdict(list)
    for one in [*prepared, *(one for mutant in mutants for one in mutant.edits)]:
        found[one.file].append(one)
    return found


def mutated(text: str, edits: list[Edit]) -> str:
    """The text with each edit in its place."""
    for one in sorted(edits, key=lambda one: text.index(one.old), reverse=True):
        at = text.index(one.old)
        text = text[:at] + one.new + text[at + len(one.old) :]
    return text


def problems(mutants: list[Mutant], prepared: list[Edit]) -> list[str]:
    """What is wrong with the list: a guard that moved, a test that is gone, a mutant without any."""
    found = [f"{file}: {problem}" for file, edits in edits_by_file(mutants, prepared).items() for problem in misplaced(file, edits)]
    found += [f"{id}: there are {count} mutants of this name" for id, count in Counter(m.id for m in mutants).items() if count > 1]
    tests = names()
    for mutant in mutants:
        if not re.fullmatch(r"[a-z0-9-]+", mutant.id):
            found.append(f"{mutant.id}: a name is made of small letters, digits and hyphens")
        if not mutant.killer and not mutant.known:
            found.append(f"{mutant.id}: it names no test that kills it, and no reason why it may survive")
        if mutant.killer and mutant.killer.split("::")[-1].split()[-1] not in tests:
            found.append(f"{mutant.id}: there is no test {mutant.killer}")
    if len(mutants) < FEWEST:
        found.append(f"there are {len(mutants)} mutants, {FEWEST} are the fewest; is a list not read?")
    return found


def misplaced(file: str, edits: list[Edit]) -> list[str]:
    """Edits whose text is not in the file exactly once, or overlaps another's."""
    path = ROOT / file
    text = path.read_text() if path.is_file() else ""
    found = [
        f"the text of {one.owner} is there {text.count(one.old)} times, not once: {one.old.splitlines()[0]}"
        for one in edits
        if text.count(one.old) != 1
    ]
    if not found:
        spans = sorted((text.index(one.old), text.index(one.old) + len(one.old), one.owner) for one in edits)
        for (_, end, owner), (begin, _, other) in zip(spans, spans[1:]):
            if begin < end:
                found.append(f"{owner} and {other} change the same text")
    return found


def names() -> set[str]:
    """What is named anywhere in the workspace's Rust files."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.rs"], cwd=ROOT, check=True, capture_output=True, text=True)
    files = (ROOT / name for name in listed.stdout.split("\n") if name)
    return {name for file in files if file.is_file() for name in NAME.findall(file.read_text())}


def keep_killer(mutant: Mutant, killer: str) -> None:
    """Writes which test killed it into its list."""
    path = LISTS / f"{mutant.area}.toml"
    text = path.read_text()
    at = text.index(f'id = "{mutant.id}"\n')
    end = text.find("[[mutant]]", at)
    block = text[at : end if end >= 0 else len(text)]
    path.write_text(text.replace(block, re.sub(r'^killer = ".*"$', lambda _: f'killer = "{killer}"', block, flags=re.M)))
