"""Notes for docs/compatibility.md what was tried, once all of it has passed (docs/compatibility.py puts the notes into the page).

    tried.py servers --features …   after a whole `make test`; the rest are arguments of cargo nextest list
    tried.py contracts              after `make contracts`
"""

import datetime
import json
import os
import pathlib
import re
import subprocess
import sys

REQUIREMENTS = pathlib.Path(__file__).parent / "requirements"
STATE = pathlib.Path(os.environ["MAKEGOOD_STATE"])
# What each tool does in `make contracts`.
TOOLS = {
    "@asyncapi/parser": "docs/asyncapi.json is valid",
    "@redocly/cli": "docs/openapi.json is valid",
    "ajv": "each schema compiles in strict mode; each sample is valid, others are not",
    "json-schema-to-typescript": "its types compile with every sample (`tsc --strict`)",
    "quicktype": "its TypeScript compiles with every sample; its Python, and its Go where there is Go, read each sample and write the same",
    "datamodel-code-generator": "its pydantic classes read each sample and write the same",
}
# What each SDK does there, in both languages.
SDKS = {
    "razorpay": "makes and fetches an order, reads each list and the settlements' lines, says what is refused, accepts a webhook's signature",
}


def said_by(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def note(part: str, name: str, cells: list[list[str]]) -> None:
    """Servers of other versions have a folder of their own within the state (other_postgres.sh)."""
    state = STATE.parent if re.fullmatch(r"postgres-\d+", STATE.name) else STATE
    folder = state / "compatibility" / part
    folder.mkdir(parents=True, exist_ok=True)
    cells = [*cells, ["date", datetime.date.today().isoformat()]]
    (folder / f"{name}.json").write_text(json.dumps({"cells": cells}) + "\n")


def servers(arguments: list[str]) -> None:
    url = os.environ["MAKEGOOD_TEST_DATABASE_URL"]
    postgres = said_by(f"{os.environ['PG_BIN']}/psql", "-XqtA", url, "-c", "SHOW server_version").split()[0]
    pooler = re.search(r"[\d.]+\d", said_by(os.environ["PGBOUNCER"], "--version"))[0]
    server = os.environ["CACHE_SERVER"]
    cache = ("Valkey " if "valkey" in server else "Redis ") + re.search(r"v=(\S+)", said_by(server, "--version"))[1]
    listed = said_by("cargo", "nextest", "list", "--workspace", *arguments, "--message-format", "json")
    result = f"all {json.loads(listed)['test-count']} tests pass"
    note("servers", f"postgres-{postgres.split('.')[0]}", [["PostgreSQL", postgres], ["PgBouncer", pooler], ["cache", cache], ["result", result]])


def contracts() -> None:
    npm = json.loads((REQUIREMENTS / "contracts" / "package.json").read_text())["dependencies"]
    pypi = dict(re.findall(r"^([\w.-]+)==(\S+)", (REQUIREMENTS / "contracts.txt").read_text(), re.MULTILINE))
    for tool, result in TOOLS.items():
        note("schema-tools", tool.replace("/", "-"), [["tool", tool], ["version", (npm | pypi)[tool]], ["result", result]])
    for registry, versions in (("npm", npm), ("PyPI", pypi)):
        for sdk, result in SDKS.items():
            note("gateway-sdks", f"{registry}-{sdk}", [["SDK", f"{registry} {sdk}"], ["version", versions[sdk]], ["result", result]])


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["servers", *arguments]:
            servers(arguments)
        case ["contracts"]:
            contracts()
        case _:
            sys.exit(__doc__)
