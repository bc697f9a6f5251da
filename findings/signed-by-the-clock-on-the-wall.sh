#!/usr/bin/env bash
# A webhook that Standard Webhooks for Python signs with a time of Kathmandu is refused, by the same package and by all others.
#
# Versions   PyPI standardwebhooks 1.1.0 · PyPI svix 2.9.1 · npm standardwebhooks 1.1.1 · npm svix 1.99.1
# Guess      `sign(id, timestamp, data)` signs the instant that a datetime with a zone means; two datetimes that are equal give one
#            signature
# Seen       one instant, sent with its seconds since 1970 in the header:
#                                                     standardwebhooks, svix (Python)     read in JavaScript
#              datetime in UTC                        verified                            verified
#              the same in Asia/Kathmandu             NO MATCHING SIGNATURE               NO MATCHING SIGNATURE
#              the same in Europe/London, winter      verified                            verified
#              the same in Europe/London, summer      NO MATCHING SIGNATURE               NO MATCHING SIGNATURE
#            `sign` replaces the datetime's zone by UTC and keeps its hands: 12:00 in Kathmandu is signed as 12:00 UTC.
#            Of a verified one the packages give back: standardwebhooks the parsed body, in both languages; svix for JavaScript too;
#            svix for Python None.
# So         a sender works in UTC and in London until March. Sign `now.astimezone(timezone.utc)`. A receiver that moves from Svix's examples
#            in JavaScript reads members of None.
# Tried      2026-11-29; the secret is made up
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check standardwebhooks==1.1.0 svix==2.9.1 tzdata==2026.1
npm install --silent --no-audit --no-fund --prefix "$work" standardwebhooks@1.1.1 svix@1.99.1 >/dev/null
cat >read.js <<'JS'
const [, , name, secret, id, seconds, signature, body] = process.argv;
const { Webhook } = require(name);
Date.now = () => Number(seconds) * 1000;
try {
  const given = new Webhook(secret).verify(body, { "webhook-id": id, "webhook-timestamp": seconds, "webhook-signature": signature });
  console.log("verified", JSON.stringify(given));
} catch (error) {
  console.log(error.message);
}
JS
cat >send.py <<'PY'
import datetime
import subprocess
import zoneinfo

import standardwebhooks.webhooks
import svix

SECRET = "whsec_" + "A" * 32
BODY = '{"order": 7}'
real = datetime.datetime


class Clock(real):
    """A clock that shows the hour of the sending, so that summer can be tried in winter."""

    at = None

    @classmethod
    def now(cls, tz=None):
        return cls.at.astimezone(tz)


standardwebhooks.webhooks.datetime = Clock
for day, zone in (("2026-01-15", "UTC"), ("2026-01-15", "Asia/Kathmandu"), ("2026-01-15", "Europe/London"), ("2026-07-15", "Europe/London")):
    instant = real.fromisoformat(day + "T06:15:00+00:00")
    Clock.at = instant
    seconds = str(int(instant.timestamp()))
    local = instant.astimezone(zoneinfo.ZoneInfo(zone))
    for name, kind in (("standardwebhooks", standardwebhooks.webhooks.Webhook), ("svix", svix.Webhook)):
        webhook = kind(SECRET)
        signature = webhook.sign("msg_1", local, BODY)
        try:
            given = webhook.verify(BODY, {"webhook-id": "msg_1", "webhook-timestamp": seconds, "webhook-signature": signature})
            said = f"verified {given}"
        except Exception as error:
            said = str(error)
        node = subprocess.run(
            ["node", "read.js", name, SECRET, "msg_1", seconds, signature, BODY], capture_output=True, text=True, check=True
        ).stdout.strip()
        print(day, zone, name, "Python:", said + ";", "JavaScript:", node)
PY
seen=$(python/bin/python send.py)
echo "$seen"
[[ "$seen" == "2026-01-15 UTC standardwebhooks Python: verified {'order': 7}; JavaScript: verified {\"order\":7}
2026-01-15 UTC svix Python: verified None; JavaScript: verified {\"order\":7}
2026-01-15 Asia/Kathmandu standardwebhooks Python: No matching signature found; JavaScript: No matching signature found
2026-01-15 Asia/Kathmandu svix Python: No matching signature found; JavaScript: No matching signature found
2026-01-15 Europe/London standardwebhooks Python: verified {'order': 7}; JavaScript: verified {\"order\":7}
2026-01-15 Europe/London svix Python: verified None; JavaScript: verified {\"order\":7}
2026-07-15 Europe/London standardwebhooks Python: No matching signature found; JavaScript: No matching signature found
2026-07-15 Europe/London svix Python: No matching signature found; JavaScript: No matching signature found" ]] || { echo "The behaviour has changed." >&2; exit 1; }
