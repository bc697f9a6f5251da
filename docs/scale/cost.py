"""The calculator: what saturates first, and what a million purchases cost. Prints the tables of docs/scale.md.

    python docs/scale/cost.py                 the tables
    python docs/scale/cost.py --write         puts them into scale.md, deploy.md and integrate.md, and prices into `makegood preflight`
    python docs/scale/cost.py --check         fails when these have others
    python docs/scale/cost.py --users 25000   one line of each table of users
"""

import argparse
import json
import math
import re
import sys

from stages import COURSE, ORDER, ROOT, SENDS, TIMES, stages
from steady import steady
from template import budget, modes, pipelines, throttles
from template.model import load

PRICES = ROOT / "cli" / "src" / "preflight" / "prices.json"
DOCUMENTS = [ROOT / "docs" / name for name in ["scale.md", "deploy.md", "integrate.md"]]
# us-east-1, dollars. The first three were checked in November 2026; the others are list prices from memory, except Aurora's.
REQUESTS, GB_SECOND, SQS = 0.20e-6, 0.0000133334, 0.40e-6
API, LOGS_GB, AURORA_IO = 1.00e-6, 0.50, 0.20e-6
ACU_HOUR, PROXY_ACU_HOUR, NAT_HOUR, CACHE_GB_HOUR, ALARM, METRIC = 0.12, 0.015, 0.045, 0.084, 0.10, 0.30
ADDRESS_HOUR, SECRET = 0.005, 0.40
# What a gigabyte costs through a NAT gateway, and through an endpoint, which is paid for each zone by the hour.
NAT_GB, ENDPOINT_HOUR, ENDPOINT_GB = 0.045, 0.01, 0.01
HOURS = 730
# What each account has free every month: ten alarms, ten metrics, a million requests of SQS.
FREE = 10 * ALARM + 10 * METRIC + 1e6 * SQS
# Estimated: what the sweeps measure while the stack is idle, of about 60 metrics, for each pipeline and for both; one that is not written is not charged.
IDLE_METRICS = {"both": 6, "course": 3, "shop": 6}
# Assumed: bytes of log an invocation and a message, reads and writes of storage a message.
LOG_INVOCATION, LOG_MESSAGE, STORAGE_IO = 900, 350, 12
# A visitor stays ten minutes. On an ordinary day two in a hundred buy; in a sale, one in five.
STAY_SECONDS, ORDINARY, SALE = 600, 0.02, 0.20
USERS = [10, 100, 1_000, 10_000, 100_000, 600_000]
RATES = [0.1, 1, 10, 100]


def needed(found, pipeline, rate):
    """Every stage of a pipeline at this many purchases (orders) a second."""
    return {name: steady(found[name], rate * TIMES.get(name, 1)) for name in pipeline}


def cost_of_one(found, pipeline, rate):
    """Dollars for one purchase or order at this rate, by what it is spent on."""
    spent = dict.fromkeys(["Lambda requests", "Lambda time", "SQS", "API", "logs", "storage"], 0.0)
    for name, at in needed(found, pipeline, rate).items():
        stage, messages = found[name], at.rate
        sent = messages * SENDS.get(name, 0) / min(10, max(1, at.batch))
        deleted = at.invocations * math.ceil(at.batch / 10) if stage.is_queue else 0
        spent["Lambda requests"] += at.invocations * REQUESTS
        spent["Lambda time"] += at.gb_seconds * GB_SECOND
        spent["SQS"] += (sent + at.receives + deleted) * SQS
        spent["API"] += 0 if stage.is_queue else messages * API
        spent["logs"] += (at.invocations * LOG_INVOCATION + messages * LOG_MESSAGE) / 1e9 * LOGS_GB
        spent["storage"] += messages * STORAGE_IO * AURORA_IO if stage.connections else 0
    return {what: dollars / rate for what, dollars in spent.items()}


def first_to_saturate(found, pipeline, rate, gates):
    """Whatever is asked for more than it gives, the tightest first."""
    asked = [(rate * TIMES.get(name, 1) / found[name].most_a_second, name) for name in pipeline]
    asked += [(rate / most, gate) for gate, most in gates.items()]
    return [f"{what} ({100 * share:.0f} %)" for share, what in sorted(asked, reverse=True) if share > 1]


def gates(template):
    """What the throttles of API Gateway let through a second, for each purchase and for each order."""
    let_in = {key: rate for key, (rate, _) in throttles.throttles(template).items()}
    asked = {"POST /order-intents": 1, "POST /payments/verify": 1, "GET /orders/status": TIMES["order-status"]}
    course = {"throttling of the webhook": let_in["POST /payments/webhooks/razorpay"]}
    order = {f"throttling of {key}": let_in[key] / times for key, times in asked.items()}
    return course, order


def table(head, rows):
    return "\n".join(["| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *rows]])


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def capacity_table(found, template):
    rows = []
    for name in COURSE + ORDER:
        stage = found[name]
        batch = f"{stage.batch}" if stage.is_queue else "a request"
        rows.append([f"`{name}`", f"{stage.workers}", batch, f"{stage.duration_ms(stage.batch):.0f} ms", f"{stage.workers * stage.connections}",
                     f"{number(stage.most_a_second / TIMES.get(name, 1))}"])
    course, order = gates(template)
    rows += [[what, "", "", "", "", number(most)] for what, most in {**course, **order}.items()]
    return table(["stage", "at once", "messages each", "takes", "connections", "most purchases or orders a second"], rows)


def users_row(found, template, users, share):
    """Of so many visitors, this share buys within the time that they stay: once a course each, or once an order each."""
    rate, cells = users * share / STAY_SECONDS, []
    for pipeline, limits in zip([COURSE, ORDER], gates(template)):
        each = needed(found, pipeline, rate)
        at_once = sum(at.at_once for at in each.values())
        connections = sum(math.ceil(at.at_once) * found[name].connections for name, at in each.items())
        full = first_to_saturate(found, pipeline, rate, limits)
        cells += [number(at_once), number(connections), ", ".join(full) or "nothing"]
    return [f"{users:,}", number(rate), *cells]


def users_table(found, template, share):
    head = ["users at once", "a second"] + [f"{what}: {figure}" for what in ["courses", "orders"] for figure in ["at once", "connections", "full"]]
    return table(head, [users_row(found, template, users, share) for users in USERS])


def cost_table(found, pipeline, what):
    columns = [cost_of_one(found, pipeline, rate) for rate in RATES]
    rows = [[spent, *(f"{column[spent] * 1e6:.2f}" for column in columns)] for spent in columns[0]]
    rows.append(["**together**", *(f"**{sum(column.values()) * 1e6:.2f}**" for column in columns)])
    return table([f"dollars for a million {what}", *(f"at {rate:g} a second" for rate in RATES)], rows)


# Each part of an idle stack, and what a small one goes without in it.
PARTS = {
    "Aurora, at its least": "one instance: while its zone is down, or it restarts, nothing is bought (minutes; RDS makes it again). At most 2 ACU in place of 4",
    "RDS Proxy, eight units at the least": "none: functions connect directly, at most 80 connections; a failover is felt by each of them",
    "NAT gateway": "nothing; also in full there is one",
    "its public address": "nothing",
    "ElastiCache Serverless, 0.1 GB at the least": "nothing",
    "alarms": "those that another alarm rings as well, only later: throttles behind a queue or a schedule, age of the cache's queues",
    f"metrics that the sweeps write, about {sum(IDLE_METRICS.values())} with both pipelines": "nothing",
    "secrets": "nothing",
    "five pollers on each queue, a look every 20 s": "nothing",
    "free in each account": "",
}


def idle(template, given):
    """What a stack with these parameters costs in a month without a single payment, by part."""
    stack = modes.Deployment(template.document, given)
    database = template.mappings["Limits"][stack.parameters["Scale"]]
    looked_at = sum(max(1, sum("MetricStat" in q for q in alarm.get("Metrics", []))) for alarm in stack.of("AWS::CloudWatch::Alarm").values())
    polled = len([m for m in stack.of("AWS::Lambda::EventSourceMapping").values() if "ScalingConfig" in m])
    secrets = sum(bool(stack.parameters[name]) for name in stack.parameters if name.endswith("SecretArn")) + len(stack.of("AWS::RDS::DBCluster"))
    dollars = [
        len(stack.of("AWS::RDS::DBInstance")) * database["MinCapacity"] * ACU_HOUR * HOURS,
        len(stack.of("AWS::RDS::DBProxy")) * 8 * PROXY_ACU_HOUR * HOURS,
        len(stack.of("AWS::EC2::NatGateway")) * NAT_HOUR * HOURS,
        len(stack.of("AWS::EC2::NatGateway")) * ADDRESS_HOUR * HOURS,
        len(stack.of("AWS::ElastiCache::ServerlessCache")) * 0.1 * CACHE_GB_HOUR * HOURS,
        looked_at * ALARM,
        (IDLE_METRICS["both"] + sum(IDLE_METRICS[one] for one in pipelines.OTHER if stack.parameters["Pipelines"] in (one, "both"))) * METRIC,
        secrets * SECRET,
        polled * 5 * 3 * 60 * HOURS * SQS,
        -FREE,
    ]
    return dict(zip(PARTS, dollars, strict=True))


IDLE = {f"{scale}, {choice}": given | {"Scale": scale} for scale in ["small", "full"] for choice, given in pipelines.CHOICES.items()}


def idle_table(template):
    columns = [idle(template, given) for given in IDLE.values()]
    rows = [[part, *(f"{column[part]:.2f}" for column in columns)] for part in PARTS]
    rows.append(["**together**", *(f"**{sum(column.values()):.2f}**" for column in columns)])
    return table(["dollars a month", *IDLE], rows)


def day_table(template):
    """The same for whoever tries it: by the day."""
    rows = []
    for what, given in IDLE.items():
        month = sum(idle(template, given).values())
        rows.append([what, f"{month / HOURS * 24:.2f}", f"{month:.2f}"])
    return table(["idle (`Scale`, `Pipelines`)", "$ a day", "$ a month"], rows)


def parts_table(template):
    """The same for whoever chooses, with what a small stack goes without."""
    small, full = (idle(template, IDLE[name]) for name in ["small, both", "full, both"])
    rows = [[part, f"{small[part]:.2f}", f"{full[part]:.2f}", without] for part, without in PARTS.items()]
    rows.append(["**together**", f"**{sum(small.values()):.2f}**", f"**{sum(full.values()):.2f}**", ""])
    return table(["part", "small, $ a month", "full, $ a month", "what small goes without"], rows)


def prices(template):
    """What one resource of a type costs in a month at its least, for `makegood preflight`, which counts them."""
    least = template.mappings["Limits"]["small"]["MinCapacity"]
    parts = [
        ("AWS::RDS::DBInstance", "Aurora instances, at their least", least * ACU_HOUR),
        ("AWS::RDS::DBProxy", "RDS Proxy, eight units at the least", 8 * PROXY_ACU_HOUR),
        ("AWS::EC2::NatGateway", "NAT gateway with its public address", NAT_HOUR + ADDRESS_HOUR),
        ("AWS::EC2::VPCEndpoint", "endpoints inside two subnets", 2 * ENDPOINT_HOUR),
        ("AWS::ElastiCache::ServerlessCache", "ElastiCache Serverless, 0.1 GB at the least", 0.1 * CACHE_GB_HOUR),
        ("AWS::CloudWatch::Alarm", "alarms, each metric that they look at", ALARM / HOURS),
    ]
    return json.dumps([{"kind": kind, "is": what, "cents_a_month": round(100 * hour * HOURS)} for kind, what, hour in parts], indent=2) + "\n"


def budget_table(template):
    """Both scales side by side."""
    small, full = template.scales()
    rows = []
    for name, share in budget.shares(full).items():
        at_once = [at.functions()[name]["ReservedConcurrentExecutions"] for at in (small, full)]
        rows.append([f"`{name}`", f"{budget.pool_of(full.functions()[name])}", f"{at_once[0]}", f"{budget.shares(small)[name]}", f"{at_once[1]}", f"{share}"])
    together = [f"**{sum(budget.shares(at).values())} of {budget.limit(at)}**" for at in (small, full)]
    rows.append(["**together**", "", "", together[0], "", together[1]])
    return table(["function", "connections each", "small: at once", "small: share", "full: at once", "full: share"], rows)


# Of a gigabyte to SQS, Secrets Manager and Lambda, and the ways out that a network may have.
NETWORKS = {
    "a network made here: NAT gateway, no endpoints (the default)": {"VpcEndpoints": "no"},
    "a network made here: NAT gateway and endpoints": modes.EXTRAS["endpoints"],
    "a network that is given, with a way out that you pay for: no endpoints": modes.SUBNETS | {"VpcEndpoints": "no"},
    "a network that is given, without a way out: endpoints only": modes.SUBNETS | modes.EXTRAS["endpoints"],
}
GIGABYTES = [0, 100, 1_000]


def network(template, given):
    """What this choice costs a month: fixed, and each gigabyte to AWS. What a network that is given costs by itself is its owner's."""
    stack = modes.Deployment(template.document, modes.SCHOOL | given)
    nats = len(stack.of("AWS::EC2::NatGateway"))
    zones = sum(len(endpoint["SubnetIds"]) for endpoint in stack.of("AWS::EC2::VPCEndpoint").values())
    fixed = (nats * (NAT_HOUR + ADDRESS_HOUR) + zones * ENDPOINT_HOUR) * HOURS
    return fixed, ENDPOINT_GB if zones else NAT_GB if nats else 0


def break_even(template):
    """From how many gigabytes a month to AWS on endpoints are cheaper than a NAT gateway alone."""
    (alone, through_nat), (both, through_endpoints) = (network(template, given) for given in list(NETWORKS.values())[:2])
    return (both - alone) / (through_nat - through_endpoints)


def network_table(template):
    rows = []
    for what, given in NETWORKS.items():
        fixed, each = network(template, given)
        rows.append([what, *(f"{fixed + each * gigabytes:.2f}" for gigabytes in GIGABYTES)])
    rows.append([f"**endpoints beside a NAT gateway are cheaper from {break_even(template):,.0f} GB a month on**", *[""] * len(GIGABYTES)])
    return table(["network, $ a month", *(f"{gigabytes:,} GB to AWS" for gigabytes in GIGABYTES)], rows)


def throttles_table(template):
    """What API Gateway lets through on each route, at both scales. Routes with the same figures are in one row."""
    groups = {}
    for key, figures in zip(throttles.throttles(template), zip(*(throttles.throttles(at).values() for at in template.scales()), strict=True), strict=True):
        groups.setdefault(figures, []).append(f"`{key}`")
    rows = [[", ".join(keys), *(f"{figure}" for scale in figures for figure in scale)] for figures, keys in groups.items()]
    return table(["route", "small: a second", "small: in one burst", "full: a second", "full: in one burst"], rows)


def tables():
    found, template = stages(), load()
    return {
        "budget": budget_table(template),
        "capacity": capacity_table(found, template),
        "ordinary": users_table(found, template, ORDINARY),
        "sale": users_table(found, template, SALE),
        "courses": cost_table(found, COURSE, "course purchases"),
        "orders": cost_table(found, ORDER, "orders"),
        "idle": idle_table(template),
        "day": day_table(template),
        "parts": parts_table(template),
        "network": network_table(template),
        "throttles": throttles_table(template),
    }


def written(text, made):
    for name, body in made.items():
        text = re.sub(rf"(<!-- {name} -->\n).*?(<!-- end -->)", lambda m, body=body: f"{m[1]}{body}\n{m[2]}", text, flags=re.DOTALL)
    return text


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--write", action="store_true")
    arguments.add_argument("--check", action="store_true")
    arguments.add_argument("--users", type=int)
    chosen = arguments.parse_args()
    if chosen.users:
        print("\n".join(" | ".join(users_row(stages(), load(), chosen.users, share)) for share in [ORDINARY, SALE]))
        return
    made = tables()
    if chosen.write:
        for document in DOCUMENTS:
            document.write_text(written(document.read_text(), made))
        PRICES.write_text(prices(load()))
    elif chosen.check:
        for document in DOCUMENTS:
            if written(document.read_text(), made) != document.read_text():
                sys.exit(f"docs/{document.name} has other tables than the template and the formula; run docs/scale/cost.py --write")
        if PRICES.read_text() != prices(load()):
            sys.exit("makegood preflight has other prices than the formula; run docs/scale/cost.py --write")
    else:
        print("\n\n".join(made.values()))


if __name__ == "__main__":
    main()
