"""Every test that docs/security.md and docs/cases.md name is there.

    security_check.py                 exit 1 when one is missing
    security_check.py --expression    prints those of docs/security.md as cargo nextest selects them (make security)
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "security.md"
# The fewest tests that each page names.
PAGES = {PAGE: 30, ROOT / "docs" / "cases.md": 70}
ROW = re.compile(r"\| `([^`|]+\.rs)`: ((?:`\w+`(?:, )?)+) \|$", re.M)


def named(page):
    """Pairs of file and test."""
    for file, tests in ROW.findall(page.read_text()):
        for test in re.findall(r"`(\w+)`", tests):
            yield file, test


def wrong(page, fewest):
    """What the page names and is not there, and the rows that can't be read."""
    tests = list(named(page))
    missing = [
        f"{file}: {test}"
        for file, test in tests
        if not (ROOT / file).is_file() or not re.search(rf"#\[(?:tokio::)?test[^\]]*\](?:\s*#\[[^\]]*\])*\s*(?:async )?fn {test}\(", (ROOT / file).read_text())
    ]
    matched = {row.group(0) for row in ROW.finditer(page.read_text())}
    missing += [line for line in page.read_text().splitlines() if line.startswith("|") and ".rs`" in line and not any(line.endswith(row) for row in matched)]
    if len(tests) < fewest:
        missing.append(f"only {len(tests)} tests are named; the table is not read any more")
    return missing


def main():
    found = 0
    for page, fewest in PAGES.items():
        if missing := wrong(page, fewest):
            print(f"{page.relative_to(ROOT)} names tests that are not there:", *missing, sep="\n  ", file=sys.stderr)
            found = 1
    if found:
        return 1
    if "--expression" in sys.argv:
        print(" | ".join(sorted(f"test(/(^|::){test}$/)" for test in {test for _, test in named(PAGE)})))
    return 0


if __name__ == "__main__":
    sys.exit(main())
