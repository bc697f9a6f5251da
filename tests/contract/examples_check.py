"""Fails when a public item of the events, the gateways or the stages has no example, or does not say which errors it returns.

An item is a type, a trait, a function, or a method of either, that other crates can name. Fields, variants, constants and the
methods of `impl Trait for` are excused: what they belong to shows them. `cargo test --doc` runs the examples; this only looks
whether they are there and assert something.
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "shared/makegood/src"
# What a writer of an event, a gateway or a stage reads.
SCOPE = ["event/**/*.rs", "gateway/**/*.rs", "delivery/**/*.rs", "cause.rs", "disposition.rs", "runtime/failed.rs"]
# Examples that compile and never run, with the reason. Each other one asserts something.
NOT_RUN = {"Parking::park": "it sends a message to SQS"}
# Items without an example, with the reason.
EXCUSED: dict[str, str] = {}

TYPE = re.compile(r"pub (?:struct|enum|trait|type|union) (\w+)")
FUNCTION = re.compile(r"(pub )?(?:const |async |unsafe )*fn (\w+)")
BLOCK = re.compile(r"(?:pub )?(?:(impl)(?:<.*?>)? (?:\w+::)*(\w+)(?:<.*>)?(?: where .*)? \{|trait (\w+))")
FENCE = re.compile(r"```(\w*(?:,\w+)*)\s*$")
NO_EXAMPLE = {"text", "ignore", "json", "sql", "sh", "console"}


@dataclass(frozen=True)
class Item:
    """A public item, with its documentation and where it stands."""

    name: str
    docs: tuple[str, ...]
    line: int
    returns: str = ""


def items(text: str, exported: set[str] | None) -> list[Item]:
    """The public items of one file. `exported` are the names that other modules can use; none means all."""
    text = re.split(r"#\[cfg\(test\)\]\s*\n(?:#\[.*\]\s*\n)?(?:pub(?:\([a-z]+\))? )?mod tests", text)[0]
    found: list[Item] = []
    docs: list[str] = []
    owner, is_trait, depth = "", False, 0
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        code = line.strip()
        if code.startswith("///"):
            docs.append(code[3:].removeprefix(" "))
            continue
        # An attribute stands between an item and its documentation, on one line or on several.
        if depth or code.startswith("#["):
            depth += code.count("[") - code.count("]")
            continue
        if line.startswith("}"):
            owner = ""
        if name := item_name(line, owner, is_trait):
            if exported is None or name.split("::")[0] in exported:
                found.append(Item(name, tuple(docs), number, returned(lines[number - 1:])))
        if (block := BLOCK.match(line)) and " for " not in line:
            owner, is_trait = block[2] or block[3], block[3] is not None
        docs = []
    return found


def returned(lines: list[str]) -> str:
    """What a function that begins here returns; empty for any other item."""
    signature = re.split(r"\{|;$", "\n".join(lines[:20]), maxsplit=1, flags=re.M)[0]
    return signature.partition("->")[2] if FUNCTION.match(lines[0].strip()) else ""


def item_name(line: str, owner: str, is_trait: bool) -> str | None:
    """The name of the public item that begins on this line, methods behind their type: `Event::parse`."""
    if not line.startswith(" "):
        found = TYPE.match(line)
        if found:
            return found[1]
        found = FUNCTION.match(line)
        return found[2] if found and found[1] else None
    found = FUNCTION.match(line[4:])
    if owner and found and (found[1] or is_trait):
        return f"{owner}::{found[2]}"
    return None


def names_exported(parent: str, module: str) -> set[str] | None:
    """Which names of a module its parent passes on; none when the module itself is public."""
    if re.search(rf"^pub mod {module};", parent, re.M):
        return None
    names: set[str] = set()
    for use in re.finditer(rf"^pub use (?:self::)?{module}::(?:\{{([^}}]*)\}}|(\w+)(?: as \w+)?);", parent, re.M):
        parts = (use[1] or use[2]).split(",")
        names |= {part.split(" as ")[0].strip() for part in parts if part.strip()}
    return names


def reachable(path: Path) -> set[str] | None:
    """The names of a file that other crates can use; none for all."""
    module = path.parent if path.name == "mod.rs" else path.with_suffix("")
    known: set[str] | None = None
    while module != SOURCE:
        above = SOURCE / "lib.rs" if module.parent == SOURCE else module.parent / "mod.rs"
        names = names_exported(above.read_text(), module.name)
        known = known if names is None else names if known is None else known & names
        module = module.parent
    return known


def examples(docs: tuple[str, ...]) -> list[tuple[str, str]]:
    """The examples of a documentation: what stands behind the fence, and the code."""
    found, begun, code = [], None, []
    for line in docs:
        fence = FENCE.match(line)
        if fence and begun is None:
            begun, code = fence[1], []
        elif fence:
            if begun not in NO_EXAMPLE:
                found.append((begun, "\n".join(code)))
            begun = None
        else:
            code.append(line)
    return found


def problem(item: Item) -> str | None:
    """What is wrong with the documentation of an item."""
    if "Result<" in item.returns and "# Errors" not in item.docs:
        return "returns a Result; say when it fails under `# Errors`"
    found = examples(item.docs)
    if item.name in EXCUSED:
        return f"has an example; remove it from EXCUSED ({EXCUSED[item.name]})" if found else None
    if not found:
        return "has no example; add one that compiles and asserts something"
    is_run = [kind != "no_run" for kind, _ in found]
    if item.name in NOT_RUN:
        return f"has an example that runs; remove it from NOT_RUN ({NOT_RUN[item.name]})" if any(is_run) else None
    if not any(is_run):
        return "has an example that never runs; run it, or say why not in NOT_RUN of examples_check.py"
    return None if any("assert" in code for _, code in found) else "has an example that asserts nothing"


def self_check() -> None:
    """Every kind of item is seen, what is not public is not, and an example counts when it is one."""
    text = """
/// ```
/// assert!(true);
/// ```
#[derive(
    Debug,
)]
pub struct Whole;
impl Whole {
    /// No example.
    #[must_use]
    pub const fn bare(self) {}
    pub(super) fn hidden() {}
    fn private() {}
}
impl Clone for Whole {
    fn clone(&self) -> Self {}
}
impl<S: Stage> Held<S> {
    pub async fn handle(&self) {}
}
pub trait Gateway: Send {
    const NAME: &'static str;
    fn ask(&self);
}
pub fn free() {}
fn alone() {}
#[cfg(test)]
mod tests { }
pub fn of_tests() {}
"""
    found = {item.name: item for item in items(text, None)}
    assert list(found) == ["Whole", "Whole::bare", "Held::handle", "Gateway", "Gateway::ask", "free"], list(found)
    assert problem(found["Whole"]) is None and problem(found["Whole::bare"]), "an example is seen through attributes"
    assert [item.name for item in items(text, {"free"})] == ["free"]
    for docs, wrong in [(["```", "let a = 1;", "```"], True), (["```text", "assert", "```"], True),
                        (["```no_run", "assert!(a);", "```"], True), (["```", "assert_eq!(1, 1);", "```"], False)]:
        assert bool(problem(Item("x", tuple(docs), 1))) == wrong, docs
    failing = items("pub fn a(\n    b: u8,\n) -> Result<(), E> {\n}\n", None)[0]
    assert "Errors" in (problem(failing) or ""), failing
    parent = "pub mod all;\npub use some::{A, b as c};\npub use one::One;\nuse none::N;\n"
    cases = {"all": None, "some": {"A", "b"}, "one": {"One"}, "none": set()}
    assert all(names_exported(parent, module) == names for module, names in cases.items())


def main() -> int:
    self_check()
    count, wrong, seen = 0, [], set()
    for path in sorted({path for pattern in SCOPE for path in SOURCE.glob(pattern)}):
        for item in items(path.read_text(), reachable(path)):
            count += 1
            seen.add(item.name)
            if what := problem(item):
                wrong.append(f"{path.relative_to(ROOT)}:{item.line}: {item.name} {what}")
    wrong += [f"examples_check.py: there is no {name}; remove it" for name in [*NOT_RUN, *EXCUSED] if name not in seen]
    print("\n".join(wrong) or f"{count} public items, each with an example and its errors")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
