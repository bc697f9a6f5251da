#!/usr/bin/env bash
# One metric in two units in one flush: three libraries for CloudWatch's embedded format keep one unit, and not the same one.
#
# Versions   PyPI aws-embedded-metrics 3.5.0 · npm aws-embedded-metrics 4.2.1 · PyPI aws-lambda-powertools 3.37.0 ·
#            npm @aws-lambda-powertools/metrics 2.36.0 (Node 20)
# Guess      each value keeps the unit that it was given with (two entries, or a conversion), or the second unit is refused
# Seen       Latency is put as 1 Seconds, then as 250 Milliseconds
#              aws-embedded-metrics (Python, Node)     values 1 and 250, unit Seconds: 250 s
#              Powertools for Python                   values 1 and 250, unit Milliseconds: 1 ms
#              Powertools for TypeScript               refused with an error
#            Nothing is logged by the first two.
# So         an alarm on the slowest payment rings for a call of a quarter of a second, or stays silent for one of ten seconds. A wrapper that
#            measures in milliseconds and a handler that measures in seconds need two names.
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check aws-embedded-metrics==3.5.0 aws-lambda-powertools==3.37.0
npm install --silent --no-audit --no-fund --prefix "$work" aws-embedded-metrics@4.2.1 @aws-lambda-powertools/metrics@2.36.0 >/dev/null
export AWS_EMF_ENVIRONMENT=Local
cat >embedded.py <<'PY'
from aws_embedded_metrics import metric_scope


@metric_scope
def handler(metrics):
    metrics.put_metric("Latency", 1, "Seconds")
    metrics.put_metric("Latency", 250, "Milliseconds")


handler()
PY
cat >powertools.py <<'PY'
from aws_lambda_powertools import Metrics

metrics = Metrics(namespace="Shop", service="pay")
metrics.add_metric("Latency", "Seconds", 1)
metrics.add_metric("Latency", "Milliseconds", 250)
metrics.flush_metrics()
PY
cat >embedded.js <<'JS'
const { createMetricsLogger } = require("aws-embedded-metrics");

const metrics = createMetricsLogger();
metrics.putMetric("Latency", 1, "Seconds");
metrics.putMetric("Latency", 250, "Milliseconds");
metrics.flush();
JS
cat >powertools.js <<'JS'
const { Metrics } = require("@aws-lambda-powertools/metrics");

const metrics = new Metrics({ namespace: "Shop", serviceName: "pay" });
metrics.addMetric("Latency", "Seconds", 1);
try {
  metrics.addMetric("Latency", "Milliseconds", 250);
} catch (error) {
  console.log(JSON.stringify({ refused: error.message.split(",")[0] }));
}
JS
cat >read.py <<'PY'
import json
import sys

for line in sys.stdin:
    document = json.loads(line)
    if "refused" in document:
        print(sys.argv[1], "refused:", document["refused"])
        continue
    (metric,) = document["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    print(sys.argv[1], [float(value) for value in document["Latency"]], metric["Unit"])
PY
seen=$(
  python/bin/python embedded.py | python3 read.py "embedded, Python"
  node embedded.js | python3 read.py "embedded, Node"
  python/bin/python powertools.py | python3 read.py "Powertools, Python"
  node powertools.js | python3 read.py "Powertools, TypeScript"
)
echo "$seen"
[[ "$seen" == "embedded, Python [1.0, 250.0] Seconds
embedded, Node [1.0, 250.0] Seconds
Powertools, Python [1.0, 250.0] Milliseconds
Powertools, TypeScript refused: Metric \"Latency\" has already been added with unit \"Seconds\"" ]] ||
  { echo "The behaviour has changed." >&2; exit 1; }
