"""Scenes (the parameters of each statement) and budgets, and whether every statement has both."""

import dataclasses
import math
import pathlib
import tomllib

from statements import statements

HERE = pathlib.Path(__file__).resolve().parent
BUDGETS = HERE / "budgets.tsv"
# The size at which budgets count.
BASE = 100_000
HEAD = "# statement [scene]\tbuffers at 100,000 rows\twhy it may grow with the history (-: it must not)\n"


@dataclasses.dataclass
class Scene:
    """A statement with parameters: expressions over the data set, and what is run before it in its transaction."""

    name: str
    text: str
    types: list
    parameters: list
    before: str = ""
    settings: str = ""


@dataclasses.dataclass
class Budget:
    """Pages that a scene may hit and read at the base size, and why they may grow with the rows (empty: they may not)."""

    buffers: int
    grows: str = ""

    def at(self, rows):
        """What is allowed at another size: as much again for each tenfold size, for the height of trees; or in proportion."""
        tenfold = math.log10(rows / BASE)
        if self.grows:
            return self.buffers * max(1, rows / BASE)
        return self.buffers * (1 + max(0, tenfold) / 2)


def written():
    """Every scene as it is written, by name."""
    found = {}
    for file in sorted((HERE / "scenes").glob("*.toml")):
        for name, given in tomllib.loads(file.read_text()).items():
            found[name] = given if isinstance(given, dict) else {"parameters": given}
    return found


def budgets():
    """Budgets by scene."""
    if not BUDGETS.exists():
        return {}
    lines = (line.split("\t") for line in BUDGETS.read_text().splitlines() if not line.startswith("#"))
    return {name: Budget(int(buffers), "" if grows == "-" else grows) for name, buffers, grows in lines}


def keep(known):
    """Writes the budgets, in the order of their names."""
    lines = [f"{name}\t{budget.buffers}\t{budget.grows or '-'}\n" for name, budget in sorted(known.items())]
    BUDGETS.write_text(HEAD + "".join(lines))


def scenes():
    """Every scene with its statement, and what is wrong between statements, scenes and budgets."""
    code, uncached = statements()
    known, given, found = budgets(), written(), []
    wrong = [f"{name}: not in the query cache (local/stack/queries.sh prepare)" for name in uncached]
    for name, parts in given.items():
        statement = code.get(name.split(" [")[0])
        if name.split(" [")[0] in uncached:
            continue
        if not statement:
            wrong.append(f"{name}: no statement has this name (tests/plans/scenes)")
        elif len(parts["parameters"]) != len(statement.types):
            given_here, wanted = len(parts["parameters"]), ", ".join(statement.types)
            wrong.append(f"{name}: {given_here} parameters, not {len(statement.types)}: {wanted}")
        else:
            found.append(Scene(name, statement.text, statement.types, **parts))
    with_scene = {name.split(" [")[0] for name in given}
    unasked = [name for name in code if name not in with_scene]
    wrong += [f"{name}: no scene says with which parameters it is run (tests/plans/scenes)" for name in unasked]
    wrong += [f"{name}: no budget (make plans ARGS=--write)" for name in given if name not in known]
    wrong += [f"{name}: a budget without scene (tests/plans/budgets.tsv)" for name in known if name not in given]
    return found, wrong
