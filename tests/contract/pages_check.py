"""What the pages say of this repository is there: files and folders, make targets, packages and binaries of cargo nextest. Each page of docs/
begins with who it is for and what it gives, and each decision has its parts.

    pages_check.py        exit 1, with a line each, where something is not so
"""

import pathlib
import re
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECTIONS = ["## Context", "## Decision", "## Consequences"]
# Within so many characters a page says who it is for.
OPENING = 900


def tracked() -> list[str]:
    return subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))


def packages(files: list[str]) -> set[str]:
    manifests = [tomllib.loads((ROOT / file).read_text()) for file in files if file.endswith("Cargo.toml")]
    return {manifest["package"]["name"] for manifest in manifests if "package" in manifest}


def named_but_missing(page: str, text: str, tops: set[str], known_targets: set[str], known_packages: set[str]) -> list[str]:
    """What the text puts between backticks, or into a line of commands, and that is not there."""
    found = []
    for code in re.findall(r"`([^`\n]+)`", text):
        path = re.fullmatch(r"([\w.-]+)/[\w./-]+", code)
        if path and path[1] in tops and not (ROOT / code).exists() and not (ROOT / page).parent.joinpath(code).exists():
            found.append(f"{page}: `{code}` is not there")
    for target in re.findall(r"(?:^|`)make ([a-z-]+)", text, re.M):
        if target not in known_targets:
            found.append(f"{page}: the Makefile has no target {target}")
    for package in re.findall(r"(?:nextest run|cargo test|cargo build|cargo check)[^`\n]* -p ([a-z-]+)", text):
        if package not in known_packages:
            found.append(f"{page}: no package is called {package}")
    return found


def form(page: str, text: str) -> list[str]:
    """How a page of docs/ begins, and what a decision has."""
    if re.fullmatch(r"docs/[\w-]+\.md", page):
        head = text[:OPENING]
        good = re.search(r"\bFor [a-z]", head) and "After reading" in head
        return [] if good else [f"{page}: say at the top who it is for (For …) and what they can do then (After reading …)"]
    if not re.fullmatch(r"docs/decisions/\d{4}-[\w-]+\.md", page):
        return []
    found = [f"{page}: no section {section}" for section in SECTIONS if section not in text]
    if not re.search(r"^(- )?Status: ", text, re.M) or not re.search(r"Date: \d{4}-\d\d-\d\d", text):
        found.append(f"{page}: no Status: or Date:")
    if not re.match(r"# \d{4}: ", text):
        found.append(f"{page}: the title is not `# NNNN: …`")
    return found


def self_check() -> None:
    wrong = "`docs/no-such-page.md`, `make no-such-target`, and\ncargo nextest run -p no-such-package"
    assert len(named_but_missing("README.md", wrong, {"docs"}, targets(), packages(tracked()))) == 3
    assert len(form("docs/deploy.md", "# Deploy\n")) == 1
    assert len(form("docs/decisions/0001-a.md", "# 0001 A\n")) == 5


def main() -> int:
    self_check()
    files = tracked()
    tops = {file.split("/")[0] for file in files if "/" in file}
    known = targets(), packages(files)
    found = []
    # A finding names the parts that it is about, and not this repository's.
    for page in (file for file in files if file.endswith(".md") and not file.startswith("findings/")):
        text = (ROOT / page).read_text()
        found += named_but_missing(page, text, tops, *known) + form(page, text)
    print(*found, sep="\n", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
