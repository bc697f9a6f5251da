#!/usr/bin/env bash
# Two readers of EventBridge's cron: "on the 31st" falls on 1 December and 3 March in one and is an error in the other.
#
# Versions   npm aws-cron-parser 1.1.12 · PyPI pyawscron 1.0.7
# Guess      cron(0 10 31 * ? *) gives the months that have a 31st, as cron does; cron(0 10 29 2 ? *) gives the leap years
# Seen       after 28 November 2026:
#                             aws-cron-parser                                      pyawscron
#              31 * ? *       2026-12-01, 2026-12-31, 2027-01-31, 2027-03-03       ValueError: day is out of range for month
#              29 2 ? *       2027-03-01, 2028-02-29, 2029-03-01                   ValueError
#              30 * ? *       2026-11-30, 2026-12-30, 2027-01-30, 2027-03-02       ValueError, once February is reached
#              L * ? *        the last day of each month                           the same
#            The day that a month lacks is carried over into the next month.
# So         a preview of payouts, or a check that one ran, expects a run on 3 March that never comes. With a day up to the 28th
#            both are right.
# Tried      2026-11-28
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check pyawscron==1.0.7
npm install --silent --no-audit --no-fund --prefix "$work" aws-cron-parser@1.1.12 >/dev/null
cat >runs.js <<'JS'
const { parse, next } = require("aws-cron-parser");

for (const [days, count] of [["31 * ? *", 4], ["30 * ? *", 4], ["29 2 ? *", 3], ["L * ? *", 4]]) {
  const runs = [];
  try {
    const cron = parse(`0 10 ${days}`);
    for (let from = new Date("2026-11-28T12:00:00Z"); runs.length < count; from = new Date(from.getTime() + 1000)) {
      from = next(cron, from);
      runs.push(from.toISOString().slice(0, 10));
    }
  } catch (error) {
    runs.push(error.message);
  }
  console.log("aws-cron-parser", days, "->", ...runs);
}
JS
cat >runs.py <<'PY'
import datetime

from pyawscron import AWSCron

start = datetime.datetime(2026, 11, 28, 12, tzinfo=datetime.timezone.utc)
for days, count in (("31 * ? *", 4), ("30 * ? *", 4), ("29 2 ? *", 3), ("L * ? *", 4)):
    try:
        runs = [run.date() for run in AWSCron.get_next_n_schedule(count, start, f"0 10 {days}")]
    except ValueError as error:
        runs = [error]
    print("pyawscron", days, "->", *runs)
PY
seen=$(TZ=UTC node runs.js; python/bin/python runs.py)
echo "$seen"
[[ "$seen" == "aws-cron-parser 31 * ? * -> 2026-12-01 2026-12-31 2027-01-31 2027-03-03
aws-cron-parser 30 * ? * -> 2026-11-30 2026-12-30 2027-01-30 2027-03-02
aws-cron-parser 29 2 ? * -> 2027-03-01 2028-02-29 2029-03-01
aws-cron-parser L * ? * -> 2026-11-30 2026-12-31 2027-01-31 2027-02-28
pyawscron 31 * ? * -> day is out of range for month
pyawscron 30 * ? * -> day is out of range for month
pyawscron 29 2 ? * -> day is out of range for month
pyawscron L * ? * -> 2026-11-30 2026-12-31 2027-01-31 2027-02-28" ]] || { echo "The behaviour has changed." >&2; exit 1; }
