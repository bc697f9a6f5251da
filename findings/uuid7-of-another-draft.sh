#!/usr/bin/env bash
# The package `uuid7` of PyPI writes a version 7 of an older draft: its ids sort after all that others will write until 2203.
#
# Versions   PyPI uuid7 0.1.0 · PyPI uuid6 2025.0.1 · PyPI uuid-utils 0.12.0 · npm uuid 13.0.0 (Node 20)
# Guess      two ids whose version is 7 sort by the time at which they were made, whichever package made them
# Seen       an id of `uuid7` sorts after the ids that uuid6, uuid-utils and npm's uuid make later. Its first 36 bits are seconds, the
#            RFC's first 48 are milliseconds. The version is 7 and the variant is right, so every check of the form passes.
#            Read as the RFC says (as `uuid_extract_timestamp` of PostgreSQL 18 does), the id of today is of the year 2203.
# So         one producer with this package in an outbox or an event log that is read by `id > last`: after its first event those of
#            every other producer are passed over, silently. By themselves its ids sort well, so no test of one service shows it.
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check uuid7==0.1.0 uuid6==2025.0.1 uuid-utils==0.12.0
npm install --silent --no-audit --no-fund --prefix "$work" uuid@13.0.0 >/dev/null
cat >ids.py <<'PY'
import datetime
import subprocess
import time
import uuid

import uuid6
import uuid_extensions
import uuid_utils

first = uuid_extensions.uuid7()
time.sleep(0.1)
later = {
    "uuid6": uuid6.uuid7(),
    "uuid-utils": uuid.UUID(str(uuid_utils.uuid7())),
    "npm uuid": uuid.UUID(subprocess.check_output(["node", "id.mjs"], text=True).strip()),
}
for name, identifier in later.items():
    print(name, "made later, sorts after it:", identifier > first)
print("its own kind made later, sorts after it:", uuid_extensions.uuid7() > first)
print("version", first.version, "variant", first.variant)


def years_from_now(identifier):
    return round((datetime.timedelta(milliseconds=identifier.int >> 80).total_seconds() - time.time()) / 31556952, 1)


print("years from now, by its milliseconds:", 100 < years_from_now(first) < 400, abs(years_from_now(later["uuid6"])))
PY
echo 'import { v7 } from "uuid"; console.log(v7());' >id.mjs
seen=$(python/bin/python ids.py)
echo "$seen"
[[ "$seen" == "uuid6 made later, sorts after it: False
uuid-utils made later, sorts after it: False
npm uuid made later, sorts after it: False
its own kind made later, sorts after it: True
version 7 variant specified in RFC 4122
years from now, by its milliseconds: True 0.0" ]] || { echo "The behaviour has changed." >&2; exit 1; }
