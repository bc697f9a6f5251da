"""Runs statements with their parameters on a database and reads their plans.

Nothing stays: each runs in a transaction that is rolled back.
"""

import dataclasses
import json
import os
import re
import subprocess

MARK = "@@plan "
MODES = ["force_custom_plan", "force_generic_plan"]
WRITES = re.compile(r"\b(?:INSERT INTO|UPDATE|DELETE FROM|FOR SHARE)\b")
# From how many rows on a sequential scan is worth a line, and how far off an estimate.
LARGE, FAR_OFF = 10_000, 100


@dataclasses.dataclass
class Cost:
    """What a scene cost under the dearer of its two plans, and what stands out in them."""

    buffers: int = 0
    rows: int = 0
    mode: str = ""
    milliseconds: float = 0
    remarks: set = dataclasses.field(default_factory=set)
    error: str = ""


def psql(url, script, *arguments, stop=True):
    """Output of a script, errors included where it goes on after one."""
    program = os.path.join(os.environ.get("PG_BIN", "/usr/lib/postgresql/15/bin"), "psql")
    done = subprocess.run([program, "-XqtA", "-v", f"ON_ERROR_STOP={int(stop)}", *arguments, url],
                          input=script, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if stop and done.returncode:
        raise SystemExit(f"✗ psql: {done.stdout[-3000:]}")
    return done.stdout


def literals(url, scenes):
    """Each scene's parameters as literals: they are worked out before, so that their cost is not the statement's."""
    asked = sorted({(expression, kind) for scene in scenes for expression, kind in zip(scene.parameters, scene.types)})
    script = ["SET search_path = plans, public;"]
    script += [f"SELECT to_json(quote_nullable(CAST(({expression}) AS {kind})::text));" for expression, kind in asked]
    lines = psql(url, "\n".join(script)).splitlines()
    return dict(zip(asked, (json.loads(line) for line in lines), strict=True))


def script_of(scene, values):
    """The script that shows both plans of a scene."""
    given = ", ".join(values[expression, kind] for expression, kind in zip(scene.parameters, scene.types))
    types = f"({', '.join(scene.types)})" if scene.types else ""
    for mode in MODES:
        yield f"\\echo '{MARK}{mode} {scene.name}'\nBEGIN;"
        yield "".join(f"{part};\n" for part in (scene.settings, scene.before) if part)
        yield f"SET LOCAL plan_cache_mode = {mode};\nPREPARE asked {types} AS {scene.text};"
        yield f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) EXECUTE asked{f'({given})' if given else ''};"
        yield "ROLLBACK;\nDEALLOCATE ALL;"


def nodes(plan):
    """A plan's nodes that ran, each with whether something above it may have stopped it early."""
    waiting = [(plan, False)]
    while waiting:
        node, may_stop = waiting.pop()
        if node.get("Actual Loops"):
            yield node, may_stop
        below = may_stop or node["Node Type"] == "Limit" or node.get("Join Type") in ("Semi", "Anti")
        waiting.extend((child, below) for child in node.get("Plans", []))


def rows_of(plan):
    """How many rows a statement gave back or changed, whichever is more."""
    writers = [node for node, _ in nodes(plan) if node["Node Type"] == "ModifyTable"]
    changed = [child["Actual Rows"] for node in writers for child in node["Plans"] if child["Parent Relationship"] == "Outer"]
    return max([plan["Actual Rows"], *changed])


def remarks(plan, sizes):
    """What stands out in a plan: sequential scans of large tables, sorts and hashes on disk, estimates that are far off."""
    found = set()
    for node, may_stop in nodes(plan):
        table = node.get("Relation Name")
        if node["Node Type"] == "Seq Scan" and sizes.get(table, 0) > LARGE:
            found.add(f"sequential scan of {table}")
        if node.get("Sort Space Type") == "Disk":
            found.add("sort on disk")
        if node.get("Hash Batches", 1) > 1 or node.get("HashAgg Batches", 1) > 1:
            found.add("hash on disk")
        # Where nothing is found, as in what looks for faults, any estimate is too high.
        estimate, actual = node["Plan Rows"], node["Actual Rows"]
        if actual > FAR_OFF * max(1, estimate) or actual > 0 and estimate > FAR_OFF * actual and not may_stop:
            what = f"{node['Node Type']} of {table}" if table else node["Node Type"]
            found.add(f"{what} estimated at {estimate} rows, has {actual:.0f}")
    return found


def read(output, sizes):
    """Cost of each scene from psql's output."""
    costs = {}
    for part in output.split(MARK)[1:]:
        head, _, body = part.partition("\n")
        mode, name = head.split(" ", 1)
        cost = costs.setdefault(name, Cost())
        start, end = body.find("[\n"), body.rfind("\n]")
        if "ERROR:" in body or start < 0:
            cost.error = cost.error or body.strip()[:600]
            continue
        top = json.loads(body[start : end + 2])[0]
        buffers = top["Plan"]["Shared Hit Blocks"] + top["Plan"]["Shared Read Blocks"]
        cost.remarks |= remarks(top["Plan"], sizes)
        cost.milliseconds = max(cost.milliseconds, top["Execution Time"])
        if buffers >= cost.buffers:
            cost.buffers, cost.mode, cost.rows = buffers, mode.split("_")[1], rows_of(top["Plan"])
    return costs


def measure(url, scenes):
    """Costs by scene. What reads goes first: rows that a rolled-back transaction left behind cost pages too."""
    counted = psql(url, "SELECT relname, reltuples::bigint FROM pg_class WHERE relkind = 'r'")
    sizes = dict(line.split("|") for line in counted.splitlines())
    values = literals(url, scenes)
    script = ["SET client_min_messages = error;\nSET jit = off;\nSET search_path = public, plans;"]
    for scene in sorted(scenes, key=lambda scene: bool(scene.before or WRITES.search(scene.text))):
        script.extend(script_of(scene, values))
    return read(psql(url, "\n".join(script), stop=False), {table: int(rows) for table, rows in sizes.items()})
