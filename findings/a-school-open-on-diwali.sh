#!/usr/bin/env bash
# A package of the world's holidays leaves out most of India's, and calls a country that it does not know one without holidays.
#
# Version    npm date-holidays 3.37.0; beside it PyPI holidays 0.109
# Guess      both have India's public holidays of 2026, or say what they leave out; a country that is not known is an error
# Seen       date-holidays: six for India. Diwali, Holi, Dussehra, Buddha Purnima and both Eids are not among them, under any type, nor are those of
#            Maharashtra when that state is asked for. Nepal, Kuwait and XX are objects like others: no holidays, and isHoliday is false.
#            holidays: eighteen for India, 32 for Nepal, 13 for Kuwait; XX is a NotImplementedError.
# So         a school that fills its closed days from the first has lessons on Diwali, and one in Kathmandu is open all year, without a word. Count what
#            comes back for the country and year, and refuse nought.
# Tried      2026-11-30
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts date-holidays@3.37.0
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check holidays==0.109
cat >check.cjs <<'JS'
const Holidays = require("date-holidays");
const diwali = new Date("2026-11-08T12:00:00+05:30");
for (const place of [["IN"], ["IN", "MH"], ["NP"], ["KW"], ["XX"]]) {
  const calendar = new Holidays(...place);
  console.log(`date-holidays ${place.join("-")}: ${calendar.getHolidays(2026).length}, Diwali ${Boolean(calendar.isHoliday(diwali))}`);
}
JS
cat >check.py <<'PY'
import datetime

import holidays

for country in ["IN", "NP", "KW", "XX"]:
    try:
        calendar = holidays.country_holidays(country, years=2026)
        print(f"holidays {country}: {len(calendar)}, 8 November {datetime.date(2026, 11, 8) in calendar}")
    except NotImplementedError as error:
        print(f"holidays {country}: {type(error).__name__}")
PY
node check.cjs | tee seen
python/bin/python check.py | tee -a seen
cat >expected <<'TEXT'
date-holidays IN: 6, Diwali false
date-holidays IN-MH: 7, Diwali false
date-holidays NP: 0, Diwali false
date-holidays KW: 0, Diwali false
date-holidays XX: 0, Diwali false
holidays IN: 18, 8 November True
holidays NP: 32, 8 November True
holidays KW: 13, 8 November False
holidays XX: NotImplementedError
TEXT
diff expected seen
