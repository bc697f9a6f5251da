"""Checks the links of the pages that `make docs` writes: each leads to a page, an anchor of it, or a file of the repository. A picture must be there
itself.

    python links_check.py FOLDER
"""

import re
import sys
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parents[2]


def anchors(page: Path) -> set[str]:
    """The ids of a page."""
    return set(re.findall(r'id="([^"]+)"', page.read_text()))


def broken(folder: Path) -> list[str]:
    """Each link that leads nowhere, as `page: link`."""
    found = []
    for page in sorted(folder.rglob("*.html")):
        for kind, link in re.findall(r'(href|src)="([^"]+)"', page.read_text()):
            if re.match(r"[a-z]+:", link):
                continue
            path, _, anchor = link.partition("#")
            target = (page.parent / unquote(path)).resolve() if path else page
            if target.suffix == ".html" and target.is_file():
                if anchor and unquote(anchor) not in anchors(target):
                    found.append(f"{page.relative_to(folder)}: {link}")
            elif not target.is_file() and (kind == "src" or not (ROOT / target.relative_to(folder.resolve())).exists()):
                found.append(f"{page.relative_to(folder)}: {link}")
    return found


def main() -> int:
    folder = Path(sys.argv[1])
    found = broken(folder)
    print("\n".join(found) or f"every link of {len(list(folder.rglob('*.html')))} pages leads somewhere")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
