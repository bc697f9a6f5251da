"""What became of the mutants: a table, JSON, and the table of docs/reliability.md."""

import json
from collections import Counter

from catalogue import ROOT, Mutant
from scratch import STATE
from trial import BY_PACKAGE, KILLED, SURVIVED, UNDECIDED, Verdict

PAGE = ROOT / "docs" / "reliability.md"
BEGIN = "<!-- mutants: written by tests/mutants/mutants.py --docs -->"
END = "<!-- mutants: end -->"
FILE = STATE / "report.json"


def show(verdicts: list[Verdict], seconds: float) -> int:
    """Prints the table; gives back how many mutants are a reason to fail."""
    faults = [verdict for verdict in verdicts if verdict.outcome == UNDECIDED or verdict.outcome == SURVIVED and not verdict.mutant.known]
    told = [verdict for verdict in verdicts if verdict.outcome != KILLED or verdict.mutant.known]
    for verdict in sorted(told, key=lambda verdict: (verdict.outcome, verdict.mutant.id)):
        note = verdict.mutant.known and ("" if verdict.outcome == SURVIVED else "may survive, and was killed; was: ") + verdict.mutant.known
        print(f"{verdict.outcome:24} {verdict.mutant.id:32} {note or verdict.test or verdict.mutant.protects}")
    counts = Counter(verdict.outcome for verdict in verdicts)
    parts = [f"{counts[outcome]} {outcome}" for outcome in (KILLED, BY_PACKAGE, SURVIVED, UNDECIDED)]
    print(f"{len(verdicts)} mutants in {seconds / 60:.1f} minutes: {', '.join(parts)}")
    for verdict in faults:
        print(f"not accepted: {verdict.mutant.id} ({verdict.mutant.file}): {verdict.outcome} {verdict.test}")
    return len(faults)


def write(verdicts: list[Verdict], seconds: float) -> None:
    """The same as JSON, in .local/mutants/report.json."""
    entries = [
        {
            "id": verdict.mutant.id,
            "area": verdict.mutant.area,
            "file": verdict.mutant.file,
            "outcome": verdict.outcome,
            "test": verdict.test,
            "known": verdict.mutant.known,
            "seconds": round(verdict.seconds, 1),
        }
        for verdict in verdicts
    ]
    FILE.write_text(json.dumps({"seconds": round(seconds), "mutants": entries}, indent=2) + "\n")


def table(mutants: list[Mutant]) -> str:
    """The part of docs/reliability.md that the list decides."""
    known = [mutant for mutant in mutants if mutant.known]
    still_open = sum(mutant.known.startswith("open: ") for mutant in known)
    rows = [f"| `{mutant.id}` | {mutant.protects} | {mutant.known} |" for mutant in sorted(known, key=lambda mutant: mutant.id)]
    is_open = f"{still_open} are open: no\ntest was seen to notice them, and it is not shown that none is needed." if still_open else "None is open."
    head = f"The list has {len(mutants)} mutants. {len(known) - still_open} may survive, since something else stands behind the guard. {is_open}"
    return "\n".join([BEGIN, "", head, "", "| mutant | what the guard protects | why it may survive |", "|---|---|---|", *rows, "", END])


def page_with_table(mutants: list[Mutant]) -> str:
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + table(mutants) + after if rest else text


def is_page_current(mutants: list[Mutant]) -> bool:
    return table(mutants) in PAGE.read_text()
