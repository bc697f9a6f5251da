"""The scratch copy of the workspace: every mutant in it behind its switch, compiled once."""

import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from catalogue import HERE, ROOT, Edit, Mutant, edits_by_file, mutated

STATE = Path(os.environ.get("MAKEGOOD_STATE", ROOT / ".local")) / "mutants"
TREE = STATE / "tree"
TARGET = STATE / "target"
TEMPLATE = "makegood_mutants"
QUERY = re.compile(r'\bquery(?:_as|_scalar)?!\s*\((?:\s*[A-Z]\w*(?:<[^>]*>)?,)?\s*(r#*"|")')


def features() -> list[str]:
    return ["--features", os.environ.get("MAKEGOOD_FEATURES", "makegood-tests/kafka")]


def environment(mutant: str = "") -> dict[str, str]:
    """What the scratch copy is compiled and run with: the stack's environment, its own target, and the mutant that is on."""
    found = {name: value for name, value in os.environ.items() if name not in ("MAKEGOOD_MUTANT", "MAKEGOOD_ROOT", "STACK_DIR")}
    found |= {
        "CARGO_TARGET_DIR": str(TARGET),
        "CARGO_INCREMENTAL": "0",
        "SQLX_OFFLINE": "true",
        "MAKEGOOD_TEMPLATE_DATABASE": TEMPLATE,
        "MAKEGOOD_STATE": str(STATE.parent),
        "RUST_BACKTRACE": "0",
    }
    return found | ({"MAKEGOOD_MUTANT": mutant} if mutant else {})


def prepare(mutants: list[Mutant], prepared: list[Edit]) -> None:
    """Writes what differs from what is there, so that the next build compiles that alone."""
    changed = edits_by_file(mutants, prepared)
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    wanted = {"shared/makegood/src/mutants.rs": (HERE / "switch.rs").read_bytes()}
    queries = Queries()
    for name in filter(None, listed.stdout.split("\0")):
        if not (ROOT / name).is_file():
            continue
        content = (ROOT / name).read_bytes()
        if name in changed:
            before = content.decode()
            content = mutated(before, changed[name]).encode()
            wanted |= queries.rewritten(name, before, content.decode())
        wanted[name] = content
    for path in TREE.rglob("*"):
        if (path.is_file() or path.is_symlink()) and str(path.relative_to(TREE)) not in wanted:
            path.unlink()
    for name, content in wanted.items():
        path = TREE / name
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            if (ROOT / name).is_file():
                shutil.copymode(ROOT / name, path)


class Queries:
    """The query cache (.sqlx) has an entry under the hash of each text. A guard with a switch leaves parameters and columns as they
    were, so the entry of the changed text is that of the old one."""

    def rewritten(self, name: str, before: str, after: str) -> dict[str, bytes]:
        if name.endswith(".sql"):
            pairs = [(before, after)]
        elif name.endswith(".rs"):
            pairs = list(zip(literals(before), literals(after), strict=True))
        else:
            pairs = []
        return dict(self.entry(name, old, new) for old, new in pairs if old != new and not name.startswith("migrations/"))

    @staticmethod
    def entry(name: str, old: str, new: str) -> tuple[str, bytes]:
        path = ROOT / ".sqlx" / f"query-{digest(old)}.json"
        if not path.is_file():
            raise SystemExit(f"{name}: the query cache does not have this query (local/stack/queries.sh prepare): {old[:80]}")
        entry = json.loads(path.read_text()) | {"query": new, "hash": digest(new)}
        return f".sqlx/query-{digest(new)}.json", json.dumps(entry, indent=2).encode()


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def literals(text: str) -> list[str]:
    """The texts of a file's queries, in their order."""
    found = []
    for match in QUERY.finditer(text):
        opening, begin = match[1], match.end()
        if opening == '"':
            end = re.compile(r'(?:[^"\\]|\\.)*', re.S).match(text, begin).end()
            found.append(unescaped(text[begin:end]))
        else:
            found.append(text[begin : text.index('"' + "#" * opening.count("#"), begin)])
    return found


def unescaped(text: str) -> str:
    text = re.sub(r"\\\n\s*", "", text)
    return re.sub(r"\\(.)", lambda match: {"n": "\n", "t": "\t"}.get(match[1], match[1]), text)


def seed_target() -> None:
    """Links what others wrote and the workspace's own target has compiled already, so that only our crates are compiled here."""
    source = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug"
    if TARGET.exists() or not (source / ".fingerprint").is_dir():
        return
    metadata = subprocess.run(
        ["cargo", "metadata", "--format-version=1", "--no-deps", "--offline"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    packages = json.loads(metadata.stdout)["packages"]
    ours = {target["name"].replace("-", "_") for package in packages for target in package["targets"]}
    ours |= {package["name"].replace("-", "_") for package in packages}
    for folder in ("deps", "build", ".fingerprint"):
        (TARGET / "debug" / folder).mkdir(parents=True)
        theirs = [path for path in (source / folder).iterdir() if crate_of(path.name) not in ours]
        for begin in range(0, len(theirs), 200):
            links = [str(path) for path in theirs[begin : begin + 200]]
            subprocess.run(["cp", "-al", *links, str(TARGET / "debug" / folder)], check=True)


def crate_of(file: str) -> str:
    """`libserde_json-0123456789abcdef.rlib` is of serde_json, and so is the folder `serde_json-0123456789abcdef`."""
    name = file.split(".")[0].rpartition("-")[0].replace("-", "_")
    return name.removeprefix("lib") if "." in file else name


def build() -> dict:
    """Compiles the binaries and the tests; gives back what cargo nextest lists."""
    cargo = ["cargo", "build", "--workspace", "--bins", *features()]
    if subprocess.run(cargo, cwd=TREE, env=environment()).returncode:
        raise SystemExit("the scratch copy does not compile (above): a mutant is not valid there")
    cargo = ["cargo", "nextest", "list", "--workspace", *features(), "--message-format", "json"]
    listed = subprocess.run(cargo, cwd=TREE, env=environment(), stdout=subprocess.PIPE, text=True)
    if listed.returncode:
        raise SystemExit("the tests of the scratch copy do not compile (above)")
    database = [str(TREE / "local/stack/database.sh")]
    subprocess.run([*database, "--drop-tests"], env=environment(), check=True)
    subprocess.run([*database, TEMPLATE, "--fresh"], env=environment(), check=True)
    return json.loads(listed.stdout)["rust-suites"]
