"""What sam validate --lint can't know about template.yaml: that it keeps the promises of the design.

Run by local/stack/test.sh with SAM's Python. Each check yields sentences about what is wrong; any sentence fails the run.
"""

import json
import pathlib
import re
import sys

from samcli.yamlhelper import yaml_parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
# How often each stage tries a message before it parks it.
ATTEMPTS = {"create-purchase": 3, "allocate-trainer": 5, "schedule-sessions": 3, "invalidate-cache": 3, "finalize-order": 3}
# Those that park nothing themselves: a stale page is no reason to keep a message, and a wake-up is only a hint.
PARKS_NOTHING = {"invalidate-cache", "finalize-order"}
# Topics that others read, such as a shop's mailer: no function of ours may take their messages away.
READ_BY_OTHERS = {"OrderConfirmedQueue"}
# Who may call what. Signed by their senders, asked of the gateway itself, or a buyer's own business.
OPEN_ROUTES = {"POST /payments/webhooks/razorpay", "POST /payments/confirmations", "POST /payments/verify"}
BUYERS_ROUTES = {"POST /order-intents", "GET /orders/status"}
# The console: what an operator's browser needs before it has a token, and everything else of it.
LOGIN_ROUTES = {"GET /admin", "GET /admin/login", "GET /admin/callback", "GET /admin/assets/{file}", "POST /admin/logout"}
OPERATORS_ROUTES = {"GET /admin/{proxy+}", "POST /admin/{proxy+}"}
ALL_ROUTES = OPEN_ROUTES | BUYERS_ROUTES | LOGIN_ROUTES | OPERATORS_ROUTES
SWEEPS = {"outbox": "rate(1 minute)", "reservations": "rate(1 minute)", "stale-jobs": "rate(5 minutes)", "reconcile": "rate(5 minutes)"}
FOURTEEN_DAYS = 14 * 24 * 3600


NOTHING = {"Ref": "AWS::NoValue"}


def with_all(value):
    """The value where every condition gives what it has to give: of an Fn::If, the first branch that is something."""
    if isinstance(value, dict):
        if "Fn::If" in value:
            return with_all(next((branch for branch in value["Fn::If"][1:] if branch != NOTHING), NOTHING))
        return {key: with_all(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [inner for inner in map(with_all, value) if inner != NOTHING]
    return value


class Template:
    """The resources by kind, and the few ways in which they point at each other."""

    def __init__(self, document):
        self.resources = with_all(document["Resources"])

    def of(self, kind):
        return {k: v["Properties"] for k, v in self.resources.items() if v["Type"] == kind}

    def functions(self):
        kind = "AWS::Serverless::Function"
        return {v["Metadata"]["BuildProperties"]["Binary"]: v["Properties"] for v in self.resources.values() if v["Type"] == kind}

    def name_of(self, logical_id):
        return self.resources[logical_id]["Metadata"]["BuildProperties"]["Binary"]

    def role(self, function):
        return self.resources[function["Role"]["Fn::GetAtt"][0]]["Properties"]

    def statements(self, function):
        for policy in self.role(function)["Policies"]:
            yield from policy["PolicyDocument"]["Statement"]


def listed(value):
    return value if isinstance(value, list) else [value]


def queues_in(value):
    """The logical ids in a QUEUE_URL: a !Ref or a !Sub of several."""
    if "Ref" in value:
        return {value["Ref"]}
    return set(re.findall(r"\$\{(\w+)\}", value["Fn::Sub"]))


def target(arn):
    return arn["Fn::GetAtt"][0] if isinstance(arn, dict) and "Fn::GetAtt" in arn else None


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
        if name in READ_BY_OTHERS:
            if consumers:
                yield f"{name} is read by others and must have no consumer here"
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
        elif queue["RedrivePolicy"]["maxReceiveCount"] != ATTEMPTS[function] + 1:
            yield f"{name}: maxReceiveCount must be one more than the attempts of {function}"
        consumed = {target(r) for s in template.statements(properties) if "sqs:ChangeMessageVisibility" in listed(s["Action"])
                    for r in listed(s["Resource"])}
        if name not in consumed:
            yield f"{function} may not change the visibility of {name}"


def functions_may_do_what_they_do_and_no_more(template):
    for name, function in template.functions().items():
        statements = list(template.statements(function))
        for statement in statements:
            if any("*" in action for action in listed(statement["Action"])) or "*" in listed(statement["Resource"]):
                yield f"{name}: a policy has a wildcard"
        may_send = {target(r) for s in statements if "sqs:SendMessage" in listed(s["Action"]) for r in listed(s["Resource"])}
        variables = function.get("Environment", {}).get("Variables", {})
        sends = set().union(*(queues_in(v) for k, v in variables.items() if "QUEUE_URL" in k))
        if sends != may_send:
            yield f"{name} sends to {sorted(sends)} and may send to {sorted(may_send)}"
        own = {queue for queue in sends if queue.endswith("DeadLetters")}
        if name in ATTEMPTS and name not in PARKS_NOTHING and len(own) != 1:
            yield f"{name} has no dead-letter queue to park in"


def every_topic_reaches_all_its_subscribers(template):
    queues = {name: q["QueueName"]["Fn::Sub"].removeprefix("${AWS::StackName}-") for name, q in template.of("AWS::SQS::Queue").items()}
    for function, properties in template.functions().items():
        for variable, value in properties.get("Environment", {}).get("Variables", {}).items():
            if not variable.startswith("QUEUE_URL_"):
                continue
            topic = variable.removeprefix("QUEUE_URL_").lower().replace("_", "-")
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
    for stage in template.of("AWS::ApiGatewayV2::Stage").values():
        own, all_others = stage.get("RouteSettings", {}).get("POST /payments/verify"), stage["DefaultRouteSettings"]
        if not own or own["ThrottlingRateLimit"] >= all_others["ThrottlingRateLimit"]:
            yield "POST /payments/verify asks a gateway for everybody who comes; it must be throttled below the others"


def a_lease_outlasts_its_worker(template):
    for name, function in template.functions().items():
        lease = function.get("Environment", {}).get("Variables", {}).get("JOB_LEASE_SECONDS")
        if lease is not None and int(lease) <= function["Timeout"]:
            yield f"{name}: a job could be taken away while its worker still works"


def every_sweep_has_its_schedule(template):
    events = template.functions()["sweep"]["Events"].values()
    found = {json.loads(e["Properties"]["Input"])["sweep"]: e["Properties"]["ScheduleExpression"] for e in events}
    if found != SWEEPS:
        yield f"the sweeps run {found}, and must {SWEEPS}"


CHECKS = [
    folder_package_binary_and_function_have_one_name,
    every_queue_has_its_dead_letters,
    every_queue_has_one_consumer_that_suits_it,
    functions_may_do_what_they_do_and_no_more,
    every_topic_reaches_all_its_subscribers,
    variables_are_text,
    routes_are_open_to_whom_they_must_be,
    a_lease_outlasts_its_worker,
    every_sweep_has_its_schedule,
]


def main():
    template = Template(yaml_parse((ROOT / "template.yaml").read_text()))
    problems = [f"{check.__name__}: {problem}" for check in CHECKS for problem in check(template)]
    print("\n".join(problems) or f"template.yaml keeps {len(CHECKS)} promises")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
