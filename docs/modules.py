"""Writes docs/modules.md from the code: the crates, and the modules of the shared ones by floor.

A module stands one floor above the highest module that it imports from. What each is for is the first sentence of its own
documentation.

    python docs/modules.py           writes docs/modules.md
    python docs/modules.py --check   fails when the committed page is not what the code says
"""

import pathlib
import re
import sys
from graphlib import TopologicalSorter

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "contract"))

from circles_check import folders, modules  # noqa: E402

PAGE = ROOT / "docs" / "modules.md"
CRATES = ["shared/makegood", "shared/operate"]
HEAD = """# Modules

For engineers who look for the place of a rule, a query or a page. After reading you know which module imports which, and where new
code belongs. `docs/modules.py` writes this page from the code, and `make check` fails when the two differ.

Floor 0 imports nothing of its crate. Each module stands one floor above the highest one that it imports from, so no import runs up.
Functions (`functions/*`), the command line (`cli`) and the local stubs (`local`) stand above both crates. `operate` stands above
`makegood`; only the console (`functions/admin`), the command line and tests import it.

## The way of one SQS record

Read these files in this order to follow a confirmed payment from the queue to the commit.

| step | file |
|---|---|
| the process starts: configuration, pool, runtime | `functions/create-purchase/src/main.rs` |
| the runtime takes an invocation, with its deadline | `shared/makegood/src/runtime/mod.rs` |
| the event becomes deliveries, record by record | `shared/makegood/src/delivery/decode.rs` |
| each record is read, processed, retried, parked or acknowledged | `shared/makegood/src/delivery/process.rs` |
| a batch that fails is split until the bad record is alone | `shared/makegood/src/delivery/isolate.rs` |
| the stage | `functions/create-purchase/src/lib.rs` |
| one statement, or the fallback under locks | `shared/makegood/src/purchase/mod.rs` |
| the statement itself | `shared/makegood/src/purchase/create_fast.sql` |
| after the commit the event is published | `shared/makegood/src/outbox/publish.rs` |
| the answer names what must come again | `shared/makegood/src/delivery/respond.rs` |

## Where new code belongs

| new | place |
|---|---|
| a rule that needs rows and a time, and nothing else | the `decide.rs` of its module |
| a query | beside the module that asks it, as `.sql` from about 25 lines on |
| an event | `shared/makegood/src/event`, a sample in `events/` |
| a gateway | `shared/makegood/src/gateway` |
| a sweep | `functions/sweep/src` |
| a page of the console | `functions/admin/src/page` |
| a check of the doctor | `shared/operate/src/doctor` |

[CONTRIBUTING](../CONTRIBUTING.md) has a recipe for each.
"""


def purpose(crate: str, name: str) -> str:
    """The first sentence of the module's documentation."""
    source = ROOT / crate / "src"
    file = source / f"{name}.rs"
    text = (file if file.is_file() else source / name / "mod.rs").read_text()
    lines = []
    for line in text.splitlines():
        if not line.startswith("//!") or line.strip() == "//!":
            break
        lines.append(line.removeprefix("//!").strip())
    sentence = re.split(r"(?<=[.!?])\s", " ".join(lines))[0]
    return re.sub(r"\[`?([^\]`]+)`?\]", r"`\1`", sentence)


def floors(graph: dict[str, set[str]]) -> dict[str, int]:
    """The floor of each module."""
    level: dict[str, int] = {}
    for name in TopologicalSorter(graph).static_order():
        level[name] = max((level[below] + 1 for below in graph[name]), default=0)
    return level


def missing() -> list[str]:
    """Files and folders that the page's own text names, and that are not there."""
    named = re.findall(r"`([a-z-]+/[\w./-]+)`", HEAD)
    return [path for path in named if not (ROOT / path).exists()]


def page() -> str:
    """The whole page."""
    if gone := missing():
        sys.exit(f"docs/modules.py names what is not there: {', '.join(gone)}")
    parts = [HEAD]
    for crate in CRATES:
        graph = {name: below for name, below in folders(modules(ROOT / crate / "src")).items() if not name.endswith("_tests")}
        level = floors(graph)
        parts.append(f"\n## {crate}\n\n| floor | module | imports | what it is for |\n|---|---|---|---|\n")
        for name in sorted(graph, key=lambda name: (-level[name], name)):
            below = ", ".join(f"`{other}`" for other in sorted(graph[name])) or "–"
            parts.append(f"| {level[name]} | `{name}` | {below} | {purpose(crate, name)} |\n")
    return "".join(parts)


def main() -> int:
    text = page()
    if "--check" not in sys.argv:
        PAGE.write_text(text)
        return 0
    if PAGE.is_file() and PAGE.read_text() == text:
        return 0
    print("docs/modules.md is not what the code says; run python docs/modules.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
