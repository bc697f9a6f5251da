#!/usr/bin/env bash
# npm cron runs the job of 03:00 at 02:00 and again at 03:00 in the night in which the clocks go back.
#
# Versions   npm cron 4.4.0 · npm croner 11.0.1 · npm cron-parser 5.10.6 · PyPI cronsim 2.8 · PyPI croniter 7.0.0 (Node 20)
# Guess      a daily job in a time zone runs once each day, at its time; one in the hour that comes twice runs once or twice
# Seen       `CronJob` on a clock that is moved through the nights of Berlin, 02:00 to 03:00 comes twice on 25 October 2026:
#              0 3 * * *        25 Oct 02:00+01:00 AND 03:00+01:00, 26 Oct 03:00, …
#              45 3 * * *       25 Oct 02:45+01:00 AND 03:45+01:00
#              0 3 25 * *       the same: a monthly job runs twice
#              0 4 * * *        25 Oct 04:00+01:00
#            So does each job in the hour after the hour that comes twice: 02:00 in New York and in London. The zone of the machine
#            plays no part. The others run 03:00 once, at 03:00, and
#              30 2 * * *       once: cron, croner, cron-parser, cronsim         twice: croniter
#            (APScheduler runs it twice too, and says so in its guide.)
# So         the payout, the renewal or the day's close of 03:00 is carried out twice, the first time an hour before the day's data is
#            there. Give the work a key of the day, or use a time before 01:00 or after 04:00.
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --prefix "$work" cron@4.4.0 croner@11.0.1 cron-parser@5.10.6 >/dev/null
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check croniter==7.0.0 cronsim==2.8
cat >job.mjs <<'JS'
import { mock } from "node:test";
import { CronJob } from "cron";
import { Cron } from "croner";
import { CronExpressionParser } from "cron-parser";

function local(date, timeZone) {
  const [, hours] = date.toLocaleString("en", { timeZone, timeZoneName: "longOffset" }).match(/GMT(.*)$/);
  return date.toLocaleString("sv-SE", { timeZone }).slice(5, 16) + (hours || "+00:00").replace("\u2212", "-");
}

function ran(expression, zone, start) {
  const runs = [];
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: Date.parse(start) });
  const job = CronJob.from({ cronTime: expression, timeZone: zone, start: true, onTick: () => runs.push(local(new Date(), zone)) });
  for (let minute = 0; minute < 40 * 60; minute++) mock.timers.tick(60_000);
  job.stop();
  mock.timers.reset();
  return runs;
}

const berlin = ["Europe/Berlin", "2026-10-24T12:00:00Z"];
for (const expression of ["0 3 * * *", "45 3 * * *", "0 3 25 * *", "0 4 * * *", "30 2 * * *"]) {
  console.log("cron", expression, ...ran(expression, ...berlin));
}
console.log("cron New York", ...ran("0 2 * * *", "America/New_York", "2026-10-31T12:00:00Z"));
console.log("cron London", ...ran("0 2 * * *", "Europe/London", "2026-10-24T12:00:00Z"));
for (const expression of ["0 3 * * *", "30 2 * * *"]) {
  const [tz, currentDate] = berlin;
  const parsed = CronExpressionParser.parse(expression, { tz, currentDate });
  const runs = new Cron(expression, { timezone: tz }).nextRuns(2, new Date(currentDate));
  console.log("croner", expression, ...runs.map((run) => local(run, tz)));
  console.log("cron-parser", expression, ...[parsed.next(), parsed.next()].map((run) => local(run.toDate(), tz)));
}
JS
cat >job.py <<'PY'
import datetime
import zoneinfo

import croniter
import cronsim

start = datetime.datetime(2026, 10, 24, 12, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))
for expression in ("0 3 * * *", "30 2 * * *"):
    both = {"croniter": croniter.croniter(expression, start, ret_type=datetime.datetime), "cronsim": cronsim.CronSim(expression, start)}
    for name, runs in both.items():
        print(name, expression, *(next(runs).isoformat(timespec="minutes")[5:].replace("T", " ") for _ in range(2)))
PY
seen=$(node --no-warnings job.mjs; python/bin/python job.py)
echo "$seen"
[[ "$seen" == "cron 0 3 * * * 10-25 02:00+01:00 10-25 03:00+01:00 10-26 03:00+01:00
cron 45 3 * * * 10-25 02:45+01:00 10-25 03:45+01:00 10-26 03:45+01:00
cron 0 3 25 * * 10-25 02:00+01:00 10-25 03:00+01:00
cron 0 4 * * * 10-25 04:00+01:00 10-26 04:00+01:00
cron 30 2 * * * 10-25 02:30+02:00 10-26 02:30+01:00
cron New York 11-01 01:00-05:00 11-01 02:00-05:00
cron London 10-25 01:00+00:00 10-25 02:00+00:00 10-26 02:00+00:00
croner 0 3 * * * 10-25 03:00+01:00 10-26 03:00+01:00
cron-parser 0 3 * * * 10-25 03:00+01:00 10-26 03:00+01:00
croner 30 2 * * * 10-25 02:30+02:00 10-26 02:30+01:00
cron-parser 30 2 * * * 10-25 02:30+02:00 10-26 02:30+01:00
croniter 0 3 * * * 10-25 03:00+01:00 10-26 03:00+01:00
cronsim 0 3 * * * 10-25 03:00+01:00 10-26 03:00+01:00
croniter 30 2 * * * 10-25 02:30+02:00 10-25 02:30+01:00
cronsim 30 2 * * * 10-25 02:30+02:00 10-26 02:30+01:00" ]] || { echo "The behaviour has changed." >&2; exit 1; }
