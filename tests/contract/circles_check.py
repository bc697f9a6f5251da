"""Fails when modules of one crate import each other in a circle.

Reads `use` and paths of each file, tests left out. A name that a module re-exports counts as an import from the file that
defines it, so that a `mod.rs` may gather what lies below it.
"""

import re
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ["shared/*/src", "functions/*/src", "cli/src", "local/src"]
USE = re.compile(r"\b(pub(?:\([a-z: ]+\))? )?use ([^;]*);", re.S)
PATH = re.compile(r"\b((?:crate|super|self)(?:::[a-zA-Z_]+)+)")

Module = tuple[str, ...]


def modules(source: Path) -> dict[Module, str]:
    """Each module of the crate with its text, without comments and unit tests."""
    found = {}
    for path in source.rglob("*.rs"):
        parts = [*path.relative_to(source).parts[:-1], path.stem]
        if parts[-1] == "mod" or parts in (["lib"], ["main"]):
            parts = parts[:-1]
        text = re.split(r"#\[cfg\(test\)\]\s*\n(?:pub(?:\([a-z]+\))? )?mod tests", path.read_text())[0]
        text = re.sub(r"//[^\n]*", "", text)
        found[tuple(parts)] = found.get(tuple(parts), "") + text
    return found


def spread(tree: str) -> list[str]:
    """`a::{b, c::d}` as `a::b` and `a::c::d`."""
    tree = re.sub(r"\s+", " ", tree).strip()
    group = re.match(r"^([^{]*)\{(.*)\}$", tree)
    if not group:
        return [tree.split(" as ")[0].strip()]
    paths, depth, part = [], 0, ""
    for char in group[2] + ",":
        if char == "," and depth == 0:
            paths += spread(group[1] + part.strip()) if part.strip() else []
            part = ""
        else:
            depth += (char == "{") - (char == "}")
            part += char
    return paths


def place(path: str, inside: Module, known: dict[Module, str]) -> tuple[Module, str] | None:
    """The module that a path leads to, and the name wanted of it; none for a path out of the crate."""
    words = path.split("::")
    if words[0] == "crate":
        base, words = [], words[1:]
    elif words[0] in ("super", "self"):
        base = list(inside)
        while words and words[0] in ("super", "self"):
            base = base[:-1] if words[0] == "super" else base
            words = words[1:]
    elif (*inside, words[0]) in known:
        base = list(inside)
    else:
        return None
    target = (*base, *words)
    while target not in known and target:
        target = target[:-1]
    return target, words[-1] if words else ""


def imports(known: dict[Module, str]) -> dict[Module, set[Module]]:
    """Which modules each one imports from."""
    exported: dict[Module, dict[str, Module]] = {module: {} for module in known}
    wanted: dict[Module, list[tuple[Module, str]]] = {module: [] for module in known}
    for module, text in known.items():
        for use in USE.finditer(text):
            for path in spread(use[2]):
                if (found := place(path, module, known)) is None:
                    continue
                if use[1]:
                    exported[module][found[1]] = found[0]
                else:
                    wanted[module].append(found)
        for path in PATH.findall(USE.sub("", text)):
            if found := place(path, module, known):
                wanted[module].append(found)
    return {module: {t for t in targets(wanted[module], exported) if t != module} for module in known}


def targets(wanted: list[tuple[Module, str]], exported: dict[Module, dict[str, Module]]) -> Iterator[Module]:
    """The modules that define what is wanted."""
    for module, name in wanted:
        for _ in range(9):
            if name not in exported.get(module, {}):
                break
            module = exported[module][name]
        yield module


def circle(known: dict[Module, str]) -> list[str]:
    """One circle of modules by name, or nothing."""
    try:
        TopologicalSorter(imports(known)).prepare()
    except CycleError as error:
        return ["::".join(module) or "crate" for module in error.args[1]]
    return []


def folders(known: dict[Module, str]) -> dict[str, set[str]]:
    """The same for the crate's own children: a folder counts as one."""
    found: dict[str, set[str]] = {module[0]: set() for module in known if module}
    for module, wanted in imports(known).items():
        if module:
            found[module[0]] |= {target[0] for target in wanted if target and target[0] != module[0]}
    return found


def circle_of_folders(known: dict[Module, str]) -> list[str]:
    """One circle of the crate's children by name, or nothing."""
    try:
        TopologicalSorter(folders(known)).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def self_check() -> None:
    """A circle is seen, also through a re-export; a parent that gathers its children is none."""
    plain = {("a",): "use crate::b::B;", ("b",): "use super::a::A;", (): ""}
    gathered = {(): "mod p;", ("p",): "pub use child::C;", ("p", "child"): "use super::other::O;", ("p", "other"): ""}
    hidden = {**gathered, ("p", "other"): "use super::C;"}
    apart = {("a", "x"): "use crate::b::y::Y;", ("b", "y"): "", ("b", "z"): "use crate::a::w::W;", ("a", "w"): "", ("a",): "", ("b",): ""}
    assert not circle(apart) and circle_of_folders(apart), circle_of_folders(apart)
    assert circle(plain) and not circle(gathered) and circle(hidden), (circle(plain), circle(gathered), circle(hidden))


def main() -> int:
    self_check()
    circles = 0
    for source in sorted(path for pattern in SOURCES for path in ROOT.glob(pattern)):
        known = modules(source)
        if found := circle(known) or circle_of_folders(known):
            circles += 1
            print(f"{source.relative_to(ROOT)}: {' → '.join(found)}; move what both need into a module below both")
    print(f"{circles} circles" if circles else "no circle of modules")
    return 1 if circles else 0


if __name__ == "__main__":
    sys.exit(main())
