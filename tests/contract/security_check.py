"""Every test that docs/security.md names is there.

    security_check.py                 exit 1 when one is missing
    security_check.py --expression    prints them as cargo nextest selects them (make security)
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "security.md"
ROW = re.compile(r"\| `([^`|]+\.rs)`: ((?:`\w+`(?:, )?)+) \|$", re.M)
FEWEST = 30


def named():
    """Pairs of file and test."""
    for file, tests in ROW.findall(PAGE.read_text()):
        for test in re.findall(r"`(\w+)`", tests):
            yield file, test


def main():
    tests = list(named())
    missing = [
        f"{file}: {test}"
        for file, test in tests
        if not (ROOT / file).is_file() or not re.search(rf"#\[(?:tokio::)?test[^\]]*\](?:\s*#\[[^\]]*\])*\s*(?:async )?fn {test}\(", (ROOT / file).read_text())
    ]
    matched = {row.group(0) for row in ROW.finditer(PAGE.read_text())}
    missing += [line for line in PAGE.read_text().splitlines() if line.startswith("|") and ".rs`" in line and not any(line.endswith(row) for row in matched)]
    if len(tests) < FEWEST:
        missing.append(f"only {len(tests)} tests are named; the table is not read any more")
    if missing:
        print("docs/security.md names tests that are not there:", *missing, sep="\n  ", file=sys.stderr)
        return 1
    if "--expression" in sys.argv:
        print(" | ".join(sorted(f"test(/(^|::){test}$/)" for test in {test for _, test in tests})))
    return 0


if __name__ == "__main__":
    sys.exit(main())
