"""Fails when a migration that was committed once has changed: a database that has run it refuses to go on.

    python migrations_check.py           compares every migration with migrations/SHA256SUMS
    python migrations_check.py --add     adds the new ones to it
"""

import hashlib
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "migrations"
SUMS = FOLDER / "SHA256SUMS"


def main() -> int:
    known = dict(reversed(line.split("  ")) for line in SUMS.read_text().splitlines()) if SUMS.is_file() else {}
    sums = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(FOLDER.glob("*.sql"))}
    changed = [name for name, digest in known.items() if sums.get(name) != digest]
    if changed:
        print(f"changed or gone: {', '.join(changed)}; databases that have run them would refuse. Restore them and write a new one")
        return 1
    new = [name for name in sums if name not in known]
    if new and "--add" in sys.argv:
        SUMS.write_text("".join(f"{digest}  {name}\n" for name, digest in sums.items()))
    elif new:
        print(f"not in migrations/SHA256SUMS: {', '.join(new)}; run python tests/contract/migrations_check.py --add")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
