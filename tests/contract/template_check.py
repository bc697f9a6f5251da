"""What sam validate --lint can't know about template.yaml: that it keeps the promises of the design.

Run by make check with SAM's Python. Each check yields sentences about what is wrong; any sentence fails the run.
"""

import json
import re
import sys

from template import actions, budget, combinations, cut, database, domain, edge, failure, graph, local, loops, metrics, modes, parameters, pipelines, privileges, rollout, throttles, variables
from template.model import ROOT, load, queues_in, target

# How often each stage tries a message before it parks it.
ATTEMPTS = {"create-purchase": 3, "allocate-trainer": 5, "schedule-sessions": 3, "invalidate-cache": 3, "finalize-order": 3}
# Those that park nothing themselves: a stale page is no reason to keep a message, and a wake-up is only a hint.
PARKS_NOTHING = {"invalidate-cache", "finalize-order"}
# How often those that park let SQS deliver a message that waits for an outage (shared/makegood/src/delivery/process.rs, MOST_RECEIVES).
MOST_RECEIVES = 30
# Topics that others read, such as a shop's mailer: no function of ours may take their messages away.
READ_BY_OTHERS = {"OrderConfirmedQueue"}
# A topic without queues of its own: it goes to another's (docs/decisions/0051, 0070, 0072).
SHARES_QUEUES = {"purchase-ended": "purchase-created-cache", "sessions-rescheduled": "sessions-generated-cache", "order-refunded": "order-confirmed"}
# Takes what the scheduler could not start; the next run does that work, so no function reads it, and its alarm tells.
OF_SCHEDULES = {"SchedulesDeadLetters"}
# Who may call what. Signed by their senders, asked of the gateway itself, or a buyer's own business.
OPEN_ROUTES = {"POST /payments/webhooks/razorpay", "POST /payments/webhooks/stripe", "POST /payments/confirmations", "POST /payments/verify"}
BUYERS_ROUTES = {"POST /order-intents", "GET /orders/status"}
# The console: what an operator's browser needs before it has a token, and everything else of it.
LOGIN_ROUTES = {"GET /admin", "GET /admin/login", "GET /admin/callback", "GET /admin/assets/{file}", "POST /admin/logout"}
OPERATORS_ROUTES = {"GET /admin/{proxy+}", "POST /admin/{proxy+}"}
ALL_ROUTES = OPEN_ROUTES | BUYERS_ROUTES | LOGIN_ROUTES | OPERATORS_ROUTES
SWEEPS = {
    "outbox": "rate(1 minute)",
    "reservations": "rate(1 minute)",
    "stale-jobs": "rate(5 minutes)",
    "reconcile": "rate(5 minutes)",
    "compare": "rate(15 minutes)",
    "statement": "rate(1 hour)",
    "health": "rate(1 minute)",
}
FOURTEEN_DAYS = 14 * 24 * 3600


def folder_package_binary_and_function_have_one_name(template):
    folders = {path.parent.name for path in ROOT.glob("functions/*/Cargo.toml")}
    functions = template.functions()
    if folders != set(functions):
        yield f"functions/ and the template differ: {sorted(folders ^ set(functions))}"
    for name, function in functions.items():
        if function["FunctionName"] != {"Fn::Sub": "${AWS::StackName}-" + name}:
            yield f"{name}: FunctionName must be <stack>-{name}"


def every_queue_has_its_dead_letters(template):
    queues = template.of("AWS::SQS::Queue")
    for name, queue in queues.items():
        text = queue["QueueName"]["Fn::Sub"]
        if not queue.get("SqsManagedSseEnabled"):
            yield f"{name} is not encrypted"
        if name in OF_SCHEDULES:
            continue
        if text.endswith("-dlq"):
            source = "${AWS::AccountId}:" + text.removesuffix("-dlq")
            allowed = [arn["Fn::Sub"] for arn in queue["RedriveAllowPolicy"]["sourceQueueArns"]]
            if queue["MessageRetentionPeriod"] != FOURTEEN_DAYS:
                yield f"{name} must keep messages for 14 days"
            if len(allowed) != 1 or not allowed[0].endswith(source):
                yield f"{name} must take dead letters of its own queue only"
        else:
            dead_letters = target(queue["RedrivePolicy"]["deadLetterTargetArn"])
            if queues[dead_letters]["QueueName"]["Fn::Sub"] != text + "-dlq":
                yield f"{name} sends its dead letters to {dead_letters}"


def every_queue_has_one_consumer_that_suits_it(template):
    mappings = [m for m in template.of("AWS::Lambda::EventSourceMapping").values() if target(m["EventSourceArn"])]
    for name, queue in template.of("AWS::SQS::Queue").items():
        consumers = [m for m in mappings if target(m["EventSourceArn"]) == name]
        if name in READ_BY_OTHERS | OF_SCHEDULES:
            if consumers:
                yield f"{name} must have no consumer here"
            continue
        if len(consumers) != 1:
            yield f"{name} has {len(consumers)} consumers"
            continue
        mapping = consumers[0]
        function = template.name_of(mapping["FunctionName"]["Ref"])
        properties = template.functions()[function]
        window = mapping.get("MaximumBatchingWindowInSeconds", 0)
        if queue["VisibilityTimeout"] < 6 * properties["Timeout"] + window:
            yield f"{name}: visibility is below six time-outs of {function} plus its window"
        if mapping["BatchSize"] > 10 and window < 1:
            yield f"{name}: a batch over 10 needs a window"
        if mapping.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
            yield f"{name}: {function} can't answer with partial failures"
        if not isinstance(mapping.get("ScalingConfig", {}).get("MaximumConcurrency"), int):
            yield f"{name}: the concurrency of {function} is not bounded by a number"
        if "RedrivePolicy" not in queue:
            if function != "park-dead-letters":
                yield f"{name} must be filed by park-dead-letters"
        elif queue["RedrivePolicy"]["maxReceiveCount"] != receives(function) + 1:
            yield f"{name}: maxReceiveCount must be {receives(function) + 1}, one more than {function} lets a message be received"


def receives(function):
    """How often a message is received at most while its function answers."""
    return ATTEMPTS[function] if function in PARKS_NOTHING else MOST_RECEIVES


def every_stage_can_park(template):
    for name in set(ATTEMPTS) - PARKS_NOTHING:
        variables = template.functions()[name]["Environment"]["Variables"]
        own = [queue for variable, value in variables.items() if "QUEUE_URL" in variable for queue in queues_in(value)]
        if sum(queue.endswith("DeadLetters") for queue in own) != 1:
            yield f"{name} has no dead-letter queue to park in"


def every_topic_reaches_all_its_subscribers(template):
    queues = {name: q["QueueName"]["Fn::Sub"].removeprefix("${AWS::StackName}-") for name, q in template.of("AWS::SQS::Queue").items()}
    for function, properties in template.functions().items():
        for variable, value in properties.get("Environment", {}).get("Variables", {}).items():
            if not variable.startswith("QUEUE_URL_"):
                continue
            topic = variable.removeprefix("QUEUE_URL_").lower().replace("_", "-")
            topic = SHARES_QUEUES.get(topic, topic)
            subscribers = {k for k, v in queues.items() if v.startswith(topic) and not v.endswith("-dlq")}
            if queues_in(value) != subscribers:
                yield f"{function}: {variable} must list {sorted(subscribers)}"


def variables_are_text(template):
    for name, function in template.functions().items():
        for variable, value in function.get("Environment", {}).get("Variables", {}).items():
            if not isinstance(value, (str, dict)):
                yield f"{name}: {variable} must be quoted"


def routes_are_open_to_whom_they_must_be(template):
    routes = {r["RouteKey"]: r for r in template.of("AWS::ApiGatewayV2::Route").values()}
    if set(routes) != ALL_ROUTES:
        yield f"say of these routes who may call them: {sorted(set(routes) ^ ALL_ROUTES)}"
    authorizers = template.of("AWS::ApiGatewayV2::Authorizer")
    for key in BUYERS_ROUTES & set(routes):
        authorizer = authorizers.get(routes[key].get("AuthorizerId", {}).get("Ref"), {})
        if routes[key].get("AuthorizationType") != "JWT" or authorizer.get("AuthorizerType") != "JWT":
            yield f"{key} must ask for a buyer's token"
    for key in OPERATORS_ROUTES & set(routes):
        authorizer = authorizers.get(routes[key].get("AuthorizerId", {}).get("Ref"), {})
        if routes[key].get("AuthorizationType") != "CUSTOM" or authorizer.get("AuthorizerType") != "REQUEST":
            yield f"{key} must ask the operators' authorizer"
        if authorizer.get("AuthorizerResultTtlInSeconds") != 0:
            yield f"{key}: the authorizer's answer must not be kept"
        if authorizer.get("IdentitySource") != []:
            yield f"{key}: the authorizer must name no header, and say so: a browser sends a cookie (decisions/0010)"


def a_lease_outlasts_its_worker(template):
    for name, function in template.functions().items():
        lease = function.get("Environment", {}).get("Variables", {}).get("JOB_LEASE_SECONDS")
        if lease is not None and int(lease) <= function["Timeout"]:
            yield f"{name}: a job could be taken away while its worker still works"


def ec2_takes_the_descriptions_of_its_groups(template):
    """It refuses other characters, such as an apostrophe, in a stack that is half made by then."""
    for name, properties in {**template.of("AWS::EC2::SecurityGroup"), **template.of("AWS::EC2::SecurityGroupIngress")}.items():
        for part in [properties, *properties.get("SecurityGroupIngress", [])]:
            text = part.get("GroupDescription") or part["Description"]
            if not re.fullmatch(r"[\w .:/()#,@\[\]+=;{}!$*-]{1,255}", text, re.ASCII):
                yield f"{name}: EC2 refuses the description {text!r}"


def every_sweep_has_its_schedule(template):
    events = [event["Properties"] for event in template.functions()["sweep"]["Events"].values()]
    events += [{**schedule, **schedule["Target"]} for schedule in template.of("AWS::Scheduler::Schedule").values()]
    found = {json.loads(e["Input"])["sweep"]: e["ScheduleExpression"] for e in events}
    if found != SWEEPS:
        yield f"the sweeps run {found}, and must {SWEEPS}"


CHECKS = [
    folder_package_binary_and_function_have_one_name,
    every_queue_has_its_dead_letters,
    every_queue_has_one_consumer_that_suits_it,
    every_stage_can_park,
    every_topic_reaches_all_its_subscribers,
    variables_are_text,
    routes_are_open_to_whom_they_must_be,
    a_lease_outlasts_its_worker,
    ec2_takes_the_descriptions_of_its_groups,
    every_sweep_has_its_schedule,
    *budget.CHECKS,
    *metrics.CHECKS,
    *privileges.CHECKS,
    *actions.CHECKS,
    *variables.CHECKS,
    *rollout.CHECKS,
    *modes.CHECKS,
    *combinations.CHECKS,
    *graph.CHECKS,
    *failure.CHECKS,
    *database.CHECKS,
    *loops.CHECKS,
    *parameters.CHECKS,
    *pipelines.CHECKS,
    *cut.CHECKS,
    *throttles.CHECKS,
    *domain.CHECKS,
    *edge.CHECKS,
    *local.CHECKS,
]


def main():
    template = load()
    problems = [f"{check.__name__}: {problem}" for check in CHECKS for problem in check(template)]
    print("\n".join(problems) or f"template.yaml keeps {len(CHECKS)} promises")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
