"""Writes the table of docs/deploy.md that says what a failed first deployment leaves, from the template.

    $SAM_VENV/bin/python docs/left.py           prints it
    $SAM_VENV/bin/python docs/left.py --write   puts it into docs/deploy.md; make check fails when the two differ
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "contract"))

from template.failure import END, PAGE, START, table  # noqa: E402
from template.model import load  # noqa: E402


def main() -> None:
    made = table(load())
    if "--write" not in sys.argv:
        print(made, end="")
        return
    before, start, rest = PAGE.read_text().partition(START)
    _, end, after = rest.partition(END)
    PAGE.write_text("".join([before, start, made, end, after]))


if __name__ == "__main__":
    main()
