"""Runs each statement of the code on a generated data set and compares the pages that it hits and reads with its budget.

    plans.py --check              whether each statement has parameters and a budget; asks no server
    plans.py                      on 10,000 and on 100,000 rows a table: budgets, and what grows that must not
    plans.py --rows 1000000       on this many rows
    plans.py --only WORD          the statements whose name has it
    plans.py --list               and all that stands out in the plans
    plans.py --keep               on the databases of the last run, if they are there; leaves them
    plans.py --write              writes a budget for each statement that has none

make plans starts the server and builds before. README.md says what to do when it fails.
"""

import argparse
import math
import os
import pathlib
import subprocess
import sys
import time

from budgets import BASE, Budget, budgets, keep, scenes
from measure import measure, psql

HERE = pathlib.Path(__file__).resolve().parent
STACK = HERE.parents[1] / "local" / "stack"


def arguments():
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=BASE)
    parser.add_argument("--only", default="")
    for flag in ["--check", "--list", "--keep", "--write"]:
        parser.add_argument(flag, action="store_true")
    return parser.parse_args()


def url_of(name):
    """The address of a database of the test server."""
    return f"{os.environ['MAKEGOOD_TEST_DATABASE_URL'].rsplit('/', 1)[0]}/{name}"


def database(rows, is_kept):
    """The address of a database with so many rows, filled unless it is there and kept."""
    name = f"makegood_plans_{rows}"
    there = psql(os.environ["MAKEGOOD_TEST_DATABASE_URL"], f"SELECT 1 FROM pg_database WHERE datname = '{name}'")
    if not (is_kept and there):
        started = time.monotonic()
        subprocess.run([STACK / "database.sh", name, "--fresh"], check=True)
        psql(url_of(name), f"\\i {HERE / 'data.sql'}", "-v", f"rows={rows}")
        print(f"· {rows:,} rows a table in {time.monotonic() - started:.0f} s", flush=True)
    psql(url_of(name), f"\\i {HERE / 'values.sql'}")
    # What the run before rolled back is still in the tables, and no page counts as read by all.
    psql(url_of(name), "VACUUM")
    return url_of(name)


def drop(rows):
    """Drops the database of this size."""
    psql(os.environ["MAKEGOOD_TEST_DATABASE_URL"], f'DROP DATABASE IF EXISTS "makegood_plans_{rows}" WITH (FORCE)')


def measured(rows, asked, is_kept):
    """Costs by scene at this size."""
    url = database(rows, is_kept)
    started = time.monotonic()
    costs = measure(url, asked)
    print(f"· {len(asked)} scenes on {rows:,} rows, each with both plans, in {time.monotonic() - started:.0f} s", flush=True)
    if not is_kept:
        drop(rows)
    return costs


def faults(costs, known, rows):
    """Scenes that failed or cost more than they may. On small tables other plans are right, so budgets begin at the base size."""
    for name, cost in sorted(costs.items()):
        allowed = known[name].at(rows) if name in known and rows >= BASE else math.inf
        if cost.error:
            yield f"{name}: {cost.error}"
        elif cost.buffers > allowed:
            what = "; ".join(sorted(cost.remarks)) or "nothing stands out"
            yield f"{name}: {cost.buffers:,} buffers at {rows:,} rows ({cost.mode} plan), {allowed:,.0f} are allowed; {what}"


def growing(small, large, known):
    """Scenes that cost more the more rows there are, although nothing says why."""
    for name, cost in sorted(large.items()):
        before = small[name].buffers
        if cost.buffers > 3 * before + 50 and not (name in known and known[name].grows):
            yield (f"{name}: {before:,} buffers at a tenth of the rows, {cost.buffers:,} here ({cost.mode} plan): "
                   "it grows with the history")


def show(costs, small, is_all):
    """The dearest scenes, with what they cost at a tenth of the rows; or every scene, and what stands out in it."""
    dearest = sorted(costs.items(), key=lambda item: -item[1].buffers)
    for name, cost in dearest if is_all else dearest[:15]:
        before = f"{small[name].buffers:>8,} before," if small else ""
        print(f"{before}{cost.buffers:>10,} buffers {cost.milliseconds:>9,.1f} ms {cost.rows:>8,.0f} rows  {name}")
        if is_all:
            for remark in sorted(cost.remarks):
                print(f"{'':22}{remark}")
    if not is_all:
        count = sum(bool(cost.remarks) for cost in costs.values())
        print(f"· the fifteen dearest; sequential scans, sorts on disk or far estimates in {count} scenes, which --list shows")


def main():
    """Exit 1 when something is wrong."""
    given = arguments()
    found, wrong = scenes()
    if given.check:
        for line in wrong:
            print(f"✗ {line}", file=sys.stderr)
        raise SystemExit(bool(wrong))
    asked, known = [scene for scene in found if given.only in scene.name], budgets()
    # Budgets that are missing are what --write is for.
    wrong = [] if given.only or given.write else wrong
    small = measured(BASE // 10, asked, given.keep) if given.rows == BASE else {}
    costs = measured(given.rows, asked, given.keep)
    if given.write and given.rows == BASE:
        for name, cost in costs.items():
            if name not in known and not cost.error:
                known[name] = Budget(math.ceil(cost.buffers * 1.5) + 50)
        keep(known)
    show(costs, small, given.list)
    wrong += list(faults(costs, known, given.rows))
    wrong += list(growing(small, costs, known)) if small else []
    for line in wrong:
        print(f"✗ {line}", file=sys.stderr)
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
