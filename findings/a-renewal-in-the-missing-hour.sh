#!/usr/bin/env bash
# A renewal at 02:30 in the night when the clocks go forward: at 03:30, at 01:30, or not at all, and the series ends on another day.
#
# Versions   npm rrule-temporal 2.2.8 · npm rrule-rust 3.1.1 · npm rrule 2.8.1 · PyPI python-dateutil 2.9.0.post0 (Node 20)
# Guess      a time that does not exist is moved ahead by the hour, to 03:30, by all four
# Seen       four daily renewals at 02:30 in Berlin, from 27 March 2026 on: what happens on the 29th, the last one, and in that night
#            the first four runs of each hour from midnight on
#              rrule-temporal      not at all      the 31st      00:00 01:00 03:00 04:00
#              rrule-rust          03:30           the 30th      00:00 01:00 03:00 03:00
#              rrule               01:30           the 30th      00:00 00:00 01:00 03:00
#              python-dateutil     01:30           the 30th      00:00 01:00 01:00 03:00
#            (instants; dateutil writes 02:30+02:00). RFC 5545 wants it left out and not counted: the first. Three run twice at one instant.
#            02:30 on 25 October, which is there twice: rrule takes the second one, the others the first, as RFC 5545 says.
# So         a subscription is renewed in one service and expired in another, by a day at its end too; a run of each hour runs twice in one.
#            Rules that bill people belong before midnight or after 04:00, or in UTC.
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --no-compile --disable-pip-version-check python-dateutil==2.9.0.post0
npm install --silent --no-audit --no-fund --prefix "$work" rrule-temporal@2.2.8 rrule-rust@3.1.1 rrule@2.8.1 \
  @js-temporal/polyfill@0.5.1 >/dev/null
cat >rules.json <<'JSON'
{
  "spring": "DTSTART;TZID=Europe/Berlin:20260327T023000\nRRULE:FREQ=DAILY;COUNT=4",
  "hourly": "DTSTART;TZID=Europe/Berlin:20260329T000000\nRRULE:FREQ=HOURLY;COUNT=4",
  "autumn": "DTSTART;TZID=Europe/Berlin:20261024T023000\nRRULE:FREQ=DAILY;COUNT=2"
}
JSON
cat >rules.js <<'JS'
if (!globalThis.Temporal) globalThis.Temporal = require("@js-temporal/polyfill").Temporal;
const { RRuleTemporal } = require("rrule-temporal");
const rust = require("rrule-rust");
const { rrulestr } = require("rrule");
const short = (date) => date.toISOString().slice(5, 16);
for (const [name, rule] of Object.entries(require("./rules.json"))) {
  console.log(name, "rrule-temporal", ...new RRuleTemporal({ rruleString: rule }).all().map((at) => short(new Date(at.epochMilliseconds))));
  console.log(name, "rrule-rust", ...rust.RRuleSet.fromString(rule).all().map((at) => short(at.toDate())));
  console.log(name, "rrule", ...rrulestr(rule).all().map(short));
}
JS
cat >rules.py <<'PY'
import datetime
import json

from dateutil.rrule import rrulestr

with open("rules.json") as file:
    for name, rule in json.load(file).items():
        instants = [at.astimezone(datetime.timezone.utc).isoformat()[5:16] for at in rrulestr(rule)]
        print(name, "dateutil", *instants)
PY
export TZ=UTC
seen=$(node rules.js; python/bin/python rules.py)
echo "$seen"
[[ "$seen" == "spring rrule-temporal 03-27T01:30 03-28T01:30 03-30T00:30 03-31T00:30
spring rrule-rust 03-27T01:30 03-28T01:30 03-29T01:30 03-30T00:30
spring rrule 03-27T01:30 03-28T01:30 03-29T00:30 03-30T00:30
hourly rrule-temporal 03-28T23:00 03-29T00:00 03-29T01:00 03-29T02:00
hourly rrule-rust 03-28T23:00 03-29T00:00 03-29T01:00 03-29T01:00
hourly rrule 03-28T23:00 03-28T23:00 03-29T00:00 03-29T01:00
autumn rrule-temporal 10-24T00:30 10-25T00:30
autumn rrule-rust 10-24T00:30 10-25T00:30
autumn rrule 10-24T00:30 10-25T01:30
spring dateutil 03-27T01:30 03-28T01:30 03-29T00:30 03-30T00:30
hourly dateutil 03-28T23:00 03-29T00:00 03-29T00:00 03-29T01:00
autumn dateutil 10-24T00:30 10-25T00:30" ]] || { echo "The behaviour has changed." >&2; exit 1; }
