#!/usr/bin/env bash
# Converters between the Gregorian calendar and Nepal's (Bikram Sambat) disagree about the day that it is today.
#
# Version    npm nepali-date-converter 3.4.0, bikram-sambat 1.8.1, ad-bs-converter 0.5.0, nepali-calendar-js 1.0.4, bikram-sambat-js 1.0.3;
#            PyPI nepali-datetime 1.0.8.5, nepali 1.2.0, pyBSDate 0.3.2, bikram 2.1.4
# Guess      the newest release of each gives one day for each day from 2018 to today; only years to come, whose months are not fixed yet, differ
# Seen       of the 3,256 days from 2018-01-01 to 2026-11-30, each against what most of the nine say: nepali-calendar-js is wrong on 314 (a month's
#            last day is day 0 of the next), ad-bs-converter on 262 (from 14 June 2024 on), bikram-sambat-js on 213 (from 1 April 2020 on), bikram on
#            64 of 2025. 30 November 2026 is 14 Mangsir 2083 for six and 15 Mangsir for three.
# So         a receipt, a statement or an end date that shows Nepal's calendar can be a day off, and two services of one shop show two days. Keep and
#            send ISO 8601, convert where it is shown, and compare a year of days with a printed calendar whenever the package is updated.
# Tried      2026-11-30
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts nepali-date-converter@3.4.0 bikram-sambat@1.8.1 ad-bs-converter@0.5.0 \
  nepali-calendar-js@1.0.4 bikram-sambat-js@1.0.3
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check nepali-datetime==1.0.8.5 nepali==1.2.0 pyBSDate==0.3.2 bikram==2.1.4
cat >python.py <<'PY'
import datetime
import json

import nepali_datetime
import pyBSDate
from bikram import samwat
from nepali.datetime import nepalidate


def parts(value):
    return [value.year, value.month, value.day]


days = [datetime.date(2018, 1, 1) + datetime.timedelta(number) for number in range(3256)]
seen = {
    "nepali-datetime": [parts(nepali_datetime.date.from_datetime_date(day)) for day in days],
    "nepali": [parts(nepalidate.from_date(day)) for day in days],
    "pyBSDate": [list(pyBSDate.convert_AD_to_BS(day.year, day.month, day.day)) for day in days],
    "bikram": [parts(samwat.from_ad(day)) for day in days],
}
json.dump({"days": [day.isoformat() for day in days], "seen": seen}, open("python.json", "w"))
PY
cat >javascript.cjs <<'JS'
const { readFileSync } = require("node:fs");
const { days, seen } = JSON.parse(readFileSync("python.json", "utf8"));
const NepaliDate = require("nepali-date-converter").default;
const { toBik } = require("bikram-sambat");
const { ad2bs } = require("ad-bs-converter");
const { toNepali } = require("nepali-calendar-js");
const { ADToBS } = require("bikram-sambat-js");
const convert = {
  "nepali-date-converter": (year, month, day) => {
    const { year: y, month: m, date } = new NepaliDate(new Date(year, month - 1, day)).getBS();
    return [y, m + 1, date];
  },
  "bikram-sambat": (year, month, day, iso) => Object.values((({ year: y, month: m, day: d }) => ({ y, m, d }))(toBik(iso))),
  "ad-bs-converter": (year, month, day) => (({ year: y, month: m, day: d }) => [y, m, d])(ad2bs(`${year}/${month}/${day}`).en),
  "nepali-calendar-js": (year, month, day) => (({ ny, nm, nd }) => [ny, nm, nd])(toNepali(year, month, day)),
  "bikram-sambat-js": (year, month, day, iso) => ADToBS(iso).split("-").map(Number),
};
for (const [name, of] of Object.entries(convert)) {
  seen[name] = days.map((iso) => of(...iso.split("-").map(Number), iso));
}
const names = Object.keys(seen);
const written = (name, place) => seen[name][place].map((part) => String(part).padStart(2, "0")).join("-");
const most = days.map((_, place) => {
  const counts = {};
  for (const name of names) counts[written(name, place)] = (counts[written(name, place)] ?? 0) + 1;
  return Object.entries(counts).sort(([, one], [, other]) => other - one)[0][0];
});
for (const name of names) {
  const wrong = days.map((_, place) => place).filter((place) => written(name, place) !== most[place]);
  const first = wrong.length ? `, the first ${days[wrong[0]]}: ${written(name, wrong[0])} for ${most[wrong[0]]}` : "";
  console.log(`${name}: 30 November 2026 is ${written(name, days.length - 1)}, ${wrong.length} days differ${first}`);
}
JS
python/bin/python python.py
TZ=UTC node javascript.cjs | tee seen
expect() { grep -qxF "$1" seen || { echo "expected: $1"; exit 1; }; }
expect "nepali-datetime: 30 November 2026 is 2083-08-14, 0 days differ"
expect "bikram-sambat: 30 November 2026 is 2083-08-14, 0 days differ"
expect "bikram: 30 November 2026 is 2083-08-14, 64 days differ, the first 2025-05-14: 2082-02-01 for 2082-01-31"
expect "ad-bs-converter: 30 November 2026 is 2083-08-15, 262 days differ, the first 2024-06-14: 2081-03-01 for 2081-02-32"
expect "nepali-calendar-js: 30 November 2026 is 2083-08-15, 314 days differ, the first 2018-01-14: 2074-10-00 for 2074-09-30"
expect "bikram-sambat-js: 30 November 2026 is 2083-08-15, 213 days differ, the first 2020-04-01: 2076-12-18 for 2076-12-19"
