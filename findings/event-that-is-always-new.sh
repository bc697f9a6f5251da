#!/usr/bin/env bash
# A CloudEvent without a time gets the time of reading, at each reading anew, in the official packages for JavaScript and Python.
#
# Versions   npm cloudevents 10.0.0 · PyPI cloudevents 2.2.0
# Guess      `time` is optional in the specification: an event that has none is read as one that has none
# Seen       one document read twice, a second apart:
#              JavaScript   HTTP.toEvent       two times, both of now; binary mode too
#              Python       JSONFormat().read  two times, both of now; so with from_http_event and the older `cloudevents.v1.http`
#            Written again, the event carries the made-up time like a real one. A time that the producer did write is kept; JavaScript
#            turns 2026-11-28T00:15+05:45 into 2026-11-27T18:30Z, so that its first ten characters are another day.
# So         "ignore what is older than a day" and "the later one wins" never hold for such a producer: a message that was in the dead-letter
#            queue for a week is always the newest. Look at the raw document for `time`, or take the queue's SentTimestamp.
# Tried      2026-11-28
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check cloudevents==2.2.0
npm install --silent --no-audit --no-fund --prefix "$work" cloudevents@10.0.0 >/dev/null
cat >twice.mjs <<'JS'
import { HTTP } from "cloudevents";

const document = { specversion: "1.0", id: "1", source: "/shop", type: "payment.completed", data: { amount: 435 } };
const read = (body) => HTTP.toEvent({ headers: { "content-type": "application/cloudevents+json" }, body: JSON.stringify(body) });
const headers = { "content-type": "application/json", "ce-id": "1", "ce-source": "/shop", "ce-type": "payment.completed", "ce-specversion": "1.0" };
const readBinary = () => HTTP.toEvent({ headers, body: JSON.stringify(document.data) });
const isNow = ({ time }) => Math.abs(Date.now() - Date.parse(time)) < 60000;

const first = [read(document), readBinary()];
await new Promise((resolve) => setTimeout(resolve, 1100));
const second = [read(document), readBinary()];
for (const index of [0, 1]) {
  console.log("JavaScript", "now:", isNow(first[index]), isNow(second[index]), "same:", first[index].time === second[index].time);
}
console.log("JavaScript written:", "time" in JSON.parse(HTTP.structured(first[0]).body));
console.log("JavaScript", read({ ...document, time: "2026-11-28T00:15:00+05:45" }).time);
JS
cat >twice.py <<'PY'
import datetime
import json
import time

from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from cloudevents.core.formats.json import JSONFormat
from cloudevents.v1.http import from_json

document = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "payment.completed", "data": {"amount": 435}}
headers = {f"ce-{name}": document[name] for name in ("specversion", "id", "source", "type")}


def times():
    yield JSONFormat().read(None, json.dumps(document)).get_time()
    yield from_http_event(HTTPMessage({**headers, "content-type": "application/json"}, b'{"amount": 435}')).get_time()
    yield datetime.datetime.fromisoformat(from_json(json.dumps(document))["time"])


def is_now(moment):
    return abs((datetime.datetime.now(datetime.timezone.utc) - moment).total_seconds()) < 60


first = list(times())
time.sleep(1.1)
for one, other in zip(first, times()):
    print("Python", "now:", is_now(one), is_now(other), "same:", one == other)
event = JSONFormat().read(None, json.dumps(document))
print("Python written:", "time" in json.loads(JSONFormat().write(event)))
print("Python", JSONFormat().read(None, json.dumps({**document, "time": "2026-11-28T00:15:00+05:45"})).get_time().isoformat())
PY
seen=$(node twice.mjs; python/bin/python twice.py)
echo "$seen"
[[ "$seen" == "JavaScript now: true true same: false
JavaScript now: true true same: false
JavaScript written: true
JavaScript 2026-11-27T18:30:00.000Z
Python now: True True same: False
Python now: True True same: False
Python now: True True same: False
Python written: True
Python 2026-11-28T00:15:00+05:45" ]] || { echo "The behaviour has changed." >&2; exit 1; }
