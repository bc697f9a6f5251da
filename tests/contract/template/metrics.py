"""Metrics, alarms and dashboard say the same: what is emitted is looked at, what is looked at is emitted."""

import json
import re
from collections import namedtuple

from . import budget, expansion, modes, sources
from .model import ROOT, target

# The stack's own, so that those of two stacks in one account never mix. As an alarm has it, and as the dashboard's document does.
NAMESPACE = {"Fn::Sub": "Makegood/${AWS::StackName}"}
NAMESPACES = [NAMESPACE, "Makegood/<AWS::StackName>"]
Use = namedtuple("Use", "name function labels where")
# SPEC section 5, word for word, and the counter of section 8 on which silence is heard.
PROMISED = set(
    """PurchasesCreated PurchasesRecovered DuplicateEvents SurplusPayments FallbackUsed IndexMissing TransactionsAborted
    AllocationsPending SessionsCreated CacheInvalidationFailed OrdersConfirmed VerificationsFailed AmountMismatches JobsRequeued
    JobsFailed DeadLettered OutboxBacklog OutboxOldestSeconds PaidUnfulfilled PaidUnfulfilledOldestSeconds StageMillis
    PaymentToPurchaseMillis PaymentToOrderMillis SweepRuns""".split()
)
# Added to it by docs/decisions/0020.
PROMISED |= {"TombstonesSkipped"}
# Added to it by docs/decisions/0029.
PROMISED |= {"ReservationsRefused", "ReservationsLocked"}
# Added to it by docs/decisions/0040 and 0041.
PROMISED |= {"UnpricedPayments", "PaymentsNotOurs"}
# Those of docs/decisions/0058.
PROMISED |= {"CheckoutsRefused", "RequestsThrottled"}
# What docs/decisions/0051 adds to it.
PROMISED |= {"RefundsRecorded", "DisputesOpened"}
# Added to it by docs/decisions/0079.
PROMISED |= {"SignaturesRefused"}
# Those of docs/decisions/0090.
PROMISED |= {"StatementGaps", "StatementGapOldestSeconds", "StatementUnreadSeconds", "StatementRecovered"}
# Those of docs/decisions/0095.
PROMISED |= {"EventsIgnored", "UnknownMoneyEvents"}
# Added to it by docs/decisions/0102.
PROMISED |= {"DatabaseFaults"}
# SPEC section 5: when each of these rings.
RINGS = {
    "RecoveryRateAlarm": (">", 1),
    "TransactionAbortsAlarm": (">", 0.1),
    "PurchaseSuccessAlarm": ("<", 99.9),
    "FallbackAlarm": (">", 10),
    "IndexMissingAlarm": (">", 0),
    "PurchaseDeadLetterAlarm": (">", 0),
    "AllocationDeadLetterAlarm": (">", 0),
    "SessionDeadLetterAlarm": (">", 0),
    "MovedBySqsAlarm": (">", 0),
    "StuckJobsAlarm": (">", 0),
    "SlowOrdersAlarm": (">", 10_000),
    "PaidUnfulfilledAlarm": (">", 600),
    "PaidUnfulfilledOrderAlarm": (">", 600),
    "OutboxStuckAlarm": (">", 300),
    "AmountMismatchAlarm": (">", 0),
    # Those of docs/decisions/0079.
    "SignaturesRefusedAlarm": (">", 5),
    # Those of docs/decisions/0090.
    "StatementGapAlarm": (">", 3600),
    "StatementUnreadAlarm": (">", 21_600),
    "StatementSilentAlarm": ("<", 1),
    # Those of docs/decisions/0095.
    "UnknownMoneyEventAlarm": (">", 0),
    "PaymentsNotOursAlarm": (">", 0),
    # Those of docs/decisions/0102.
    "DatabaseFaultAlarm": (">", 0),
    # Beside it: those on whose figures the others depend.
    "SweepSilentAlarm": ("<", 1),
    "ReconcileSilentAlarm": ("<", 1),
}
# What can go wrong outside our own metrics, on whichever resources are there: (namespace, metric, kind of the resource).
WATCHED = {
    ("AWS/ApiGateway", "5xx", "AWS::ApiGatewayV2::Api"),
    ("AWS/ApiGateway", "Latency", "AWS::ApiGatewayV2::Api"),
    ("AWS/RDS", "ACUUtilization", "AWS::RDS::DBCluster"),
    ("AWS/RDS", "DatabaseConnections", "AWS::RDS::DBCluster"),
    ("AWS/RDS", "DatabaseConnectionsCurrentlySessionPinned", "AWS::RDS::DBProxy"),
    ("AWS/RDS", "DatabaseConnectionsBorrowLatency", "AWS::RDS::DBProxy"),
}
# The account's own figure, the same for every stack in it.
OF_THE_ACCOUNT = "AWS/Usage"
# Of the cache's queues a small stack hears by these alone: park-dead-letters files what SQS moves there, and one of the two rings (decisions/0046).
OF_THE_CACHE, FILED = "CacheDeadLetters", ["MovedBySqsAlarm", "ParkDeadLettersErrorsAlarm"]
SIGNS = {"GreaterThanThreshold": ">", "LessThanThreshold": "<"}
RUNBOOK = "docs/operations.md"
CONDITIONS = {"Monitored", "CourseMonitored", "ShopMonitored", "StatementMonitored", "ConsoleMonitored", "FullyMonitored", "CourseFullyMonitored", "ShopFullyMonitored"} | {
    "CourseTakesCanariesBack", "ShopTakesCanariesBack", "MonitorsDatabase", "MonitorsProxy", "CourseMonitorsTopics"
}
LINK = re.compile(r"\$\{RunbookUrl\}#(alarm-[a-z0-9-]+)$")
# What a section says, each under one of these.
PARTS = [["**Means.**"], ["**See"], ["**Fix.**", "**Do.**"], ["**Fixed when**", "**Over when**"]]


def alarms(template):
    return template.of("AWS::CloudWatch::Alarm")


def dimensions(pairs):
    return {pair["Name"]: pair["Value"] for pair in pairs or []}


def of_ours(namespace, name, dims, where):
    """One use of a metric of our namespace; none of another's."""
    if namespace not in NAMESPACES:
        return []
    dims = dict(dims)
    return [Use(name, dims.pop("Function", None), frozenset(dims.items()), where)]


def used_by_alarms(template):
    for where, alarm in alarms(template).items():
        queries = [q["MetricStat"]["Metric"] for q in alarm.get("Metrics", []) if "MetricStat" in q]
        for metric in queries or [alarm]:
            yield from of_ours(metric["Namespace"], metric["MetricName"], dimensions(metric.get("Dimensions")), where)


def dashboard(template):
    """The dashboard's document, with a word in place of each reference."""
    (body,) = [d["DashboardBody"] for d in template.of("AWS::CloudWatch::Dashboard").values()]
    return json.loads(written_out(body))


def written_out(value):
    """The text of an Fn::Sub whose own variables are put in, with a word in place of each other reference."""
    if isinstance(value, str):
        return value
    text, own = value["Fn::Sub"] if isinstance(value["Fn::Sub"], list) else (value["Fn::Sub"], {})
    return re.sub(r"\$\{([\w:.]+)\}", lambda match: written_out(own[match[1]]) if match[1] in own else f"<{match[1]}>", text)


def rows(widget):
    """A widget's metrics with the shorthand of CloudWatch written out: "." repeats the row above, "..." all but the last."""
    above = []
    for row in widget["properties"].get("metrics", []):
        cells = [cell for cell in row if not isinstance(cell, dict)]
        if not cells:
            continue
        if cells[0] == "...":
            cells = above[: len(above) - len(cells) + 1] + cells[1:]
        cells = [above[i] if cell == "." else cell for i, cell in enumerate(cells)]
        above = cells
        yield cells


def used_by_dashboard(template):
    for widget in dashboard(template)["widgets"]:
        for namespace, name, *pairs in rows(widget):
            dims = dict(zip(pairs[::2], pairs[1::2]))
            yield from of_ours(namespace, name, dims, f"the dashboard's {widget['properties']['title']!r}")


def uses(template):
    return [*used_by_alarms(template), *used_by_dashboard(template)]


def emitted_and_used_are_the_same(template):
    emitted, problems = sources.metrics_in(sources.rust_files())
    yield from problems
    names, used = {m.name for m in emitted}, {use.name for use in uses(template)}
    for name in sorted(names - used):
        yield f"{name} is emitted, and no alarm or plot looks at it"
    for name in sorted(used - names):
        yield f"{name} is looked at, and no code emits it"
    for name in sorted(PROMISED - names):
        yield f"{name} is promised, and no code emits it"
    for name in sorted(names - PROMISED):
        yield f"{name} is emitted, and the specification does not know it"


def what_a_function_emits_is_looked_at_there(template):
    """Of its own code; which functions run the shared code that emits can't be read from it."""
    emitted, _ = sources.metrics_in(sources.rust_files())
    used = {(use.name, use.function) for use in uses(template)}
    for name, folder in sorted({(m.name, m.folder) for m in emitted} - used):
        if folder != "shared":
            yield f"{folder} emits {name}, and no alarm or plot looks at it there"


def what_is_looked_at_can_be_there(template):
    """The function exists, its own code or shared code emits the metric, and the labels are those of an emission."""
    emitted, _ = sources.metrics_in(sources.rust_files())
    functions = set(template.functions())
    for use in uses(template):
        places = {m for m in emitted if m.name == use.name}
        if use.function not in functions:
            yield f"{use.where} looks at {use.name} of {use.function}, which is no function"
        elif places and not any(m.folder in (use.function, "shared") for m in places):
            yield f"{use.where} looks at {use.name} of {use.function}, which does not emit it"
        elif places and not any(labels_fit(m.labels, use.labels) for m in places):
            yield f"{use.where} looks at {use.name} with {dict(use.labels)}, which no code emits"


def labels_fit(emitted, used):
    """A label without a literal value, as for one that a variable holds, fits any."""
    emitted, used = dict(emitted), dict(used)
    return set(emitted) == set(used) and all(not value or used[name] == value for name, value in emitted.items())


def two_stacks_never_mix(template):
    """A stack's metrics, and what looks at them, carry its name: a stack for trying things must not ring or quiet another one's alarms."""
    told = template.document["Globals"]["Function"].get("Environment", {}).get("Variables", {}).get("METRICS_NAMESPACE")
    if told != NAMESPACE:
        yield f"the functions write their metrics to {told}, which is no namespace of the stack's own"
    if '"METRICS_NAMESPACE"' not in sources.rust_files()["shared/makegood/src/telemetry/mod.rs"]:
        yield "no code reads METRICS_NAMESPACE"
    for where, namespace, dims in all_looked_at(template):
        own = namespace in [*NAMESPACES, OF_THE_ACCOUNT] or any(names_the_stack(template, value) for value in dims.values())
        if not own:
            yield f"{where} looks at {namespace} with {dims}, which another stack's metrics may have too"


def names_the_stack(template, value):
    """Whether a dimension's value is this stack's alone: a resource of it, or a name made of the stack's."""
    if isinstance(value, dict):
        value = value.get("Ref") or target(value) or value.get("Fn::Sub", "")
    return value in template.resources or "AWS::StackName" in value


def all_looked_at(template):
    """(where, namespace, dimensions) of everything that an alarm or a plot looks at."""
    for where, alarm in alarms(template).items():
        queries = [q["MetricStat"]["Metric"] for q in alarm.get("Metrics", []) if "MetricStat" in q]
        for metric in queries or [alarm]:
            yield where, metric["Namespace"], dimensions(metric.get("Dimensions"))
    for widget in dashboard(template)["widgets"]:
        for namespace, _, *pairs in rows(widget):
            yield f"the dashboard's {widget['properties']['title']!r}", namespace, dict(zip(pairs[::2], pairs[1::2]))


def every_alarm_links_to_its_runbook(template):
    text = (ROOT / RUNBOOK).read_text()
    sections = runbook_sections(text)
    linked = set()
    for name, alarm in alarms(template).items():
        link = LINK.search(alarm["AlarmDescription"].get("Fn::Sub", "") if isinstance(alarm["AlarmDescription"], dict) else "")
        if not link:
            yield f"{name}: its description must end with ${{RunbookUrl}}#alarm-…"
        elif link[1] not in sections:
            yield f"{name} links to {RUNBOOK}#{link[1]}, which is no section"
        else:
            linked.add(link[1])
    for section in sorted({s for s in sections if s.startswith("alarm-")} - linked):
        yield f"{RUNBOOK}#{section} belongs to no alarm"
    for section in sorted(linked):
        missing = [either[-1] for either in PARTS if not any(part in sections[section] for part in either)]
        if missing:
            yield f"{RUNBOOK}#{section} does not say {', '.join(missing)}"


def runbook_sections(text):
    """Anchor → body of each heading, as GitHub makes anchors."""
    parts = re.split(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {anchor(title): body for title, body in zip(parts[1::2], parts[2::2])}


def anchor(title):
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def every_alarm_reaches_its_topic(template):
    for name, alarm in alarms(template).items():
        if alarm.get("AlarmActions") != [{"Ref": "AlarmTopicArn"}]:
            yield f"{name} does not notify AlarmTopicArn"
        if template.resources[name].get("Condition") not in CONDITIONS:
            yield f"{name} hangs on none of the conditions {sorted(CONDITIONS)}"


def alarms_ring_when_they_must(template):
    for name, wanted in RINGS.items():
        alarm = alarms(template).get(name)
        rings = (SIGNS.get(alarm["ComparisonOperator"]), alarm["Threshold"]) if alarm else None
        if rings != wanted:
            yield f"{name} rings at {rings}, and must at {wanted}"


def silence_is_heard_on_a_counter(template):
    """A gauge is there only where it was measured, and a count of its samples says nothing of runs that failed."""
    emitted, _ = sources.metrics_in(sources.rust_files())
    kinds = {}
    for metric in emitted:
        kinds.setdefault(metric.name, set()).add(metric.kind)
    for name, alarm in alarms(template).items():
        if alarm["TreatMissingData"] != "breaching":
            continue
        for query in [q["MetricStat"] for q in alarm.get("Metrics", []) if "MetricStat" in q]:
            metric = query["Metric"]["MetricName"]
            if kinds.get(metric) != {"counter"} or query["Stat"] != "Sum":
                yield f"{name} hears silence by the {query['Stat']} of {metric}; it must be the Sum of a counter"


def silence_rings_at_once(template):
    """CloudWatch looks at more than the periods asked for; what is missing counts only once nothing is left in all of them."""
    for name, alarm in alarms(template).items():
        expressions = [query.get("Expression", "") for query in alarm.get("Metrics", [])]
        if alarm["TreatMissingData"] == "breaching" and not any(e.startswith("FILL(") for e in expressions):
            yield f"{name} rings on silence, and late: it must fill what is missing"


def aws_metrics(template):
    """(metric, logical id) of each alarm on a metric of AWS's own."""
    for alarm in alarms(template).values():
        dims = dimensions(alarm.get("Dimensions"))
        # That of a canary is quiet between deployments.
        for value in [] if "ExecutedVersion" in dims else dims.values():
            if isinstance(value, dict):
                yield alarm["MetricName"], value.get("Ref") or target(value)


def functions_and_queues_have_their_alarms(template):
    watched = set(aws_metrics(template))
    for logical_id, resource in template.resources.items():
        wanted = {"AWS::Serverless::Function": ["Errors", "Throttles"], "AWS::SQS::Queue": ["ApproximateAgeOfOldestMessage"]}
        for metric in wanted.get(resource["Type"], []):
            if (metric, logical_id) not in watched:
                yield f"{logical_id} has no alarm on {metric}"


def dead_letters_are_alarmed_whatever_is_made(template):
    """A small stack goes without some alarms, and a school without those of a shop; never without that of a queue of dead letters."""
    resources, watch = template.document["Resources"], {}
    for name, alarm in alarms(template).items():
        for value in dimensions(alarm.get("Dimensions")).values():
            if isinstance(value, dict) and target(value):
                watch.setdefault(target(value), []).append(name)
    for name in [name for name in template.of("AWS::SQS::Queue") if name.endswith("DeadLetters")]:
        for stack in expansion.different(template):
            made = set(filter(lambda one: stack.holds(resources[one].get("Condition")), [*watch.get(name, []), *FILED]))
            filed = name.endswith(OF_THE_CACHE) and not stack.holds("IsFull") and set(FILED) <= made
            if stack.holds("Monitored") and name in stack.resources and not filed and not made - set(FILED):
                yield f"{name} has no alarm with {stack}"
                break


def what_is_not_ours_is_watched_too(template):
    watched = set()
    for where, namespace, dims in all_looked_at(template):
        alarm = alarms(template).get(where, {})
        for value in dims.values():
            resource = value.get("Ref") if isinstance(value, dict) else None
            watched.add((str(namespace), alarm.get("MetricName"), template.resources.get(resource, {}).get("Type")))
    for namespace, metric, kind in sorted(WATCHED - watched):
        yield f"no alarm looks at {metric} of {kind} ({namespace})"
    if not any(OF_THE_ACCOUNT == namespace for _, namespace, _ in all_looked_at(template)):
        yield "no alarm looks at how much of the account's quota of executions is used"
    for name in template.functions():
        topics = any("Topics" in mapping for mapping in template.mappings_of(name))
        lag = [a for a in alarms(template).values() if a.get("MetricName") == "OffsetLag" and name == of_function(template, a)]
        if topics and not lag:
            yield f"{name} reads a topic, and no alarm looks at how far it is behind"


def of_function(template, alarm):
    """The function that an alarm on a metric of Lambda's looks at."""
    return template.name_of(dimensions(alarm["Dimensions"])["FunctionName"]["Ref"])


def many_connections_are_those_that_are_lent(template):
    for at in template.scales():
        if at.mappings["Limits"][at.scale].get("ManyConnections") != budget.limit(at):
            yield f"with Scale {at.scale} DatabaseConnectionsAlarm rings at another figure than the {budget.limit(at)} that are lent"


def who_hears_of_an_alarm_is_said(template):
    """An alarm that reaches no person is found out on the day it was for."""
    for given, told in {(): "none", ("AlarmEmail",): "AlarmEmail", ("AlarmTopicArn",): "AlarmTopicArn"}.items():
        stack = modes.Deployment(template.document, modes.SCHOOL | dict.fromkeys(given, "x@example.com"))
        output = template.document["Outputs"].get("AlarmsTell", {}).get("Value")
        named = set(stack.references(output)) | {str(stack.resolved(output)).split(" ")[0]}
        if told not in str(named):
            yield f"with {', '.join(given) or 'neither AlarmEmail nor AlarmTopicArn'} the output AlarmsTell does not say {told}"
        heard = [len(alarm["AlarmActions"]) for alarm in stack.of("AWS::CloudWatch::Alarm").values()]
        if set(heard) != {len(given)}:
            yield f"with {', '.join(given) or 'neither'} an alarm tells {set(heard)} topics"


CHECKS = [
    dead_letters_are_alarmed_whatever_is_made,
    what_is_not_ours_is_watched_too,
    many_connections_are_those_that_are_lent,
    who_hears_of_an_alarm_is_said,
    emitted_and_used_are_the_same,
    what_a_function_emits_is_looked_at_there,
    what_is_looked_at_can_be_there,
    two_stacks_never_mix,
    every_alarm_links_to_its_runbook,
    every_alarm_reaches_its_topic,
    alarms_ring_when_they_must,
    silence_is_heard_on_a_counter,
    silence_rings_at_once,
    functions_and_queues_have_their_alarms,
]
