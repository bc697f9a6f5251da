"""Looks for words that the project no longer uses (retired_words.toml). Prints each place and fails when there is one."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RULES = Path(__file__).with_name("retired_words.toml")


def places(rules: dict, path: str, text: str) -> list[str]:
    """Each use of a retired word in this text, as `path:line: word: what to write`."""
    if any(re.search(skip, path) for skip in rules["skip"]):
        return []
    kept = re.compile("|".join(rules["keep"]))
    found = []
    for number, line in enumerate([path, *text.splitlines()]):
        rest = kept.sub("", line)
        for word in rules["word"]:
            if any(re.search(exempt, path) for exempt in word.get("except", [])):
                continue
            for hit in re.finditer(word["pattern"], rest, re.IGNORECASE):
                found.append(f"{path}:{number}: {hit.group(0)!r}: write {word['instead']}")
    return found


def self_check(rules: dict) -> None:
    """Each pattern finds its word in a name, in prose and in a file's name, and passes what may stay."""
    bad = ["at the Desk", "a parked letter", "fn announce_again()", "it mends rows", "was given up", "called off",
           "let wish = 1", "fn standing()", "a_sight()", "stub_or_stand_in", "handed back", "an examination"]
    good = ["a dead letter", "dead_letters", "DeadLetter", "paymentsAnnounced", "amendment", "Screen::Desktop",
            "letters, digits", "outstanding", "insights", "recommends", "stands in the way"]
    missed = [text for text in bad if not places(rules, "x.rs", text)]
    wrong = [text for text in good if places(rules, "x.rs", text)]
    assert not missed and not wrong, f"missed: {missed}, wrongly found: {wrong}"
    assert places(rules, "src/desk.rs", ""), "names of files count"
    for text in ["Nobody takes it", "fn a_job_that_nobody_takes()", "somebodys"]:
        assert places(rules, "x.rs", text), text
    excepted = next(exempt for word in rules["word"] for exempt in word.get("except", []))
    assert not places(rules, excepted.strip("^$").replace("\\", ""), "nobody takes it"), "files that a word excepts"
    assert not places(rules, "x.rs", "Refusal::NoBody"), "no body"


def main() -> int:
    rules = tomllib.loads(RULES.read_text())
    self_check(rules)
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found = []
    for path in names.splitlines():
        file = ROOT / path
        if not file.is_file():
            continue
        try:
            found += places(rules, path, file.read_text())
        except UnicodeDecodeError:
            continue
    print("\n".join(found) or "no retired words")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
