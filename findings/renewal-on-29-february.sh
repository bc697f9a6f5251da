#!/usr/bin/env bash
# ical.js renews a purchase of 29 February each year on 1 March, and leaves BYSETPOS out of all but monthly rules.
#
# Versions   npm ical.js 2.2.1 · npm rrule 2.8.1 · npm rrule-rust 3.1.1 · PyPI python-dateutil 2.9.0.post0 (Node 20)
# Guess      the four give the same days for a rule of RFC 5545, which says that an invalid date is ignored and not counted
# Seen                                                           ical.js                               the other three
#              2024-02-29 YEARLY;COUNT=4                         29 Feb 2024, 1 Mar 2025, 2026, 2027   29 Feb 2024, 2028, 2032, 2036
#              2026-11-30 WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=1       all three days of the week            Mondays
#              2026-12-02 WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=2       all three days                        4 Dec, then Wednesdays from 9 Dec
#              2026-11-30 08:00 DAILY;BYHOUR=8,9;BYSETPOS=1      both hours                            08:00 of each day
#              2026-01-01 YEARLY;BYDAY=MO,…,FR;BYSETPOS=1        each weekday                          the first weekday of each year
#              2026-01-15 YEARLY;BYMONTHDAY=15                   15 January of each year               the 15th of each month
#              2026-01-31 MONTHLY                                months with a 31st                    the same
#              2026-01-30 MONTHLY;BYDAY=MO,…,FR;BYSETPOS=-1      the last weekday                      the same
#            No rule is refused. In the third row nobody is right: 2 December, where the series begins, is the second of its week.
# So         a calendar that is planned with another package and shown by ical.js (Thunderbird's library) has three lessons a week where
#            one was bought, or a renewal on a day on which nothing happens. MONTHLY rules agree; write the others out as days.
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --prefix "$work" ical.js@2.2.1 rrule@2.8.1 rrule-rust@3.1.1 >/dev/null
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check python-dateutil==2.9.0.post0
cat >rules.txt <<'TXT'
20240229T090000 FREQ=YEARLY;COUNT=4
20261130T090000 FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=1;COUNT=4
20261202T090000 FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=2;COUNT=4
20261130T080000 FREQ=DAILY;BYHOUR=8,9;BYSETPOS=1;COUNT=4
20260101T090000 FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1;COUNT=4
20260115T090000 FREQ=YEARLY;BYMONTHDAY=15;COUNT=4
20260131T090000 FREQ=MONTHLY;COUNT=4
20260130T090000 FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=4
TXT
cat >days.mjs <<'JS'
import { readFileSync } from "node:fs";
import ICAL from "ical.js";
import rrule from "rrule";
import { RRuleSet } from "rrule-rust";

const digits = (text) => text.replace(/[-:]/g, "").slice(0, 11);
for (const line of readFileSync("rules.txt", "utf8").trim().split("\n")) {
  const [start, rule] = line.split(" ");
  const event = `BEGIN:VEVENT\r\nUID:1\r\nDTSTART:${start}\r\nRRULE:${rule}\r\nEND:VEVENT`;
  const iterator = new ICAL.Event(new ICAL.Component(ICAL.parse(event))).iterator();
  const days = Array.from({ length: 4 }, () => digits(iterator.next().toString()));
  const utc = `DTSTART:${start}Z\nRRULE:${rule}`;
  const others = [
    rrule.rrulestr(utc).all().map((date) => digits(date.toISOString())),
    RRuleSet.fromString(utc).all().map((date) => digits(date.toString())),
  ];
  console.log(rule.replace(";COUNT=4", ""));
  console.log("  ical.js", ...days);
  for (const other of others) console.log("  other  ", ...other);
}
JS
cat >days.py <<'PY'
from dateutil.rrule import rrulestr

for line in open("rules.txt"):
    start, rule = line.split()
    print(*(day.strftime("%Y%m%dT%H") for day in rrulestr(f"DTSTART:{start}\nRRULE:{rule}")))
PY
node days.mjs >node.txt
python/bin/python days.py >python.txt
grep '^  other' node.txt | awk 'NR % 2 == 1 { $1 = ""; print substr($0, 2) }' >rrule.txt
grep '^  other' node.txt | awk 'NR % 2 == 0 { $1 = ""; print substr($0, 2) }' >rust.txt
for other in rrule.txt rust.txt; do
  diff "$other" python.txt || { echo "The behaviour has changed: the other three differ." >&2; exit 1; }
done
seen=$(awk '/^  other/ { if (other++ % 2) next } { print }' node.txt)
echo "$seen"
[[ "$seen" == "FREQ=YEARLY
  ical.js 20240229T09 20250301T09 20260301T09 20270301T09
  other   20240229T09 20280229T09 20320229T09 20360229T09
FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=1
  ical.js 20261130T09 20261202T09 20261204T09 20261207T09
  other   20261130T09 20261207T09 20261214T09 20261221T09
FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=2
  ical.js 20261202T09 20261204T09 20261207T09 20261209T09
  other   20261204T09 20261209T09 20261216T09 20261223T09
FREQ=DAILY;BYHOUR=8,9;BYSETPOS=1
  ical.js 20261130T08 20261130T09 20261201T08 20261201T09
  other   20261130T08 20261201T08 20261202T08 20261203T08
FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1
  ical.js 20260101T09 20260102T09 20260105T09 20260106T09
  other   20260101T09 20270101T09 20280103T09 20290101T09
FREQ=YEARLY;BYMONTHDAY=15
  ical.js 20260115T09 20270115T09 20280115T09 20290115T09
  other   20260115T09 20260215T09 20260315T09 20260415T09
FREQ=MONTHLY
  ical.js 20260131T09 20260331T09 20260531T09 20260731T09
  other   20260131T09 20260331T09 20260531T09 20260731T09
FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1
  ical.js 20260130T09 20260227T09 20260331T09 20260430T09
  other   20260130T09 20260227T09 20260331T09 20260430T09" ]] || { echo "The behaviour has changed." >&2; exit 1; }
