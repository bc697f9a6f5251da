"""Least privilege: every action that a role grants has code, or an event source, that uses it, on the resources that it names.

Both ways: what is granted and not used fails, and so does what is used and not granted.
"""

import re

from . import sources
from .model import listed, queues_in, target

# What a function's own code mentions → the shared file that then asks AWS on its behalf.
ENTRIES = {
    r"\bPublisherConfig::read\b": ["shared/makegood/src/outbox/sqs.rs", "shared/makegood/src/outbox/kafka.rs", "shared/makegood/src/db/login.rs"],
    r"\bDatabaseConfig::read\b": ["shared/makegood/src/db/login.rs"],
    r"\bOpenSettings::read\b": ["shared/makegood/src/db/login.rs"],
    r"\bSecretSource::read\b": ["shared/makegood/src/db/login.rs"],
    r"\b(Gateways|Razorpay)Config::read": ["shared/makegood/src/db/login.rs"],
    r"\bparking\(": ["shared/makegood/src/delivery/park.rs"],
    r"\brun_stage\(": ["shared/makegood/src/delivery/process.rs"],
    r"\bWaker::read\b": ["shared/makegood/src/job/wake.rs"],
    r"\bReplayer\b": ["shared/operate/src/dead_letter/send.rs"],
}
LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
# What Lambda's poller does in the function's name.
POLLS_QUEUES = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
POLLS_TOPICS = {
    "kafka:DescribeCluster",
    "kafka:DescribeClusterV2",
    "kafka:GetBootstrapBrokers",
    "kafka-cluster:Connect",
    "kafka-cluster:DescribeClusterDynamicConfiguration",
    "kafka-cluster:DescribeTopic",
    "kafka-cluster:ReadData",
    "kafka-cluster:DescribeGroup",
    "kafka-cluster:AlterGroup",
    "ec2:DescribeVpcs",
    "ec2:DescribeSecurityGroups",
}
# What the producer does; which topics it writes is in each function's own role.
PUBLISHES_TOPICS = {"kafka-cluster:Connect", "kafka-cluster:WriteDataIdempotently"}
WRITES_TOPICS = {"kafka-cluster:DescribeTopic", "kafka-cluster:WriteData"}
# What Lambda does in the function's name to put it into a VPC.
RUNS_FUNCTIONS = {
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
}
# AWS knows no resource for the brokers' addresses, and Lambda makes the network interfaces before they have a name.
WITHOUT_RESOURCE = {a for a in RUNS_FUNCTIONS | POLLS_TOPICS if a.startswith("ec2:")} | {"kafka:GetBootstrapBrokers"}


def files_reached(code):
    """The shared files that this code leads to."""
    return {path for pattern, paths in ENTRIES.items() if re.search(pattern, code) for path in paths}


def actions_used(function):
    """What this function's binary asks of AWS by itself."""
    code = sources.code_of(function)
    reached = [sources.rust_files().get(path, "") for path in files_reached(code)]
    return set().union(*(sources.calls_in(text) for text in [code, *reached]))


def event_queues(template, function):
    return {target(m["EventSourceArn"]) for m in template.mappings_of(function)} - {None}


def needed(template, name, function):
    """Every (action, resource) that this function uses. Resources are written as `key` has them."""
    variables = function.get("Environment", {}).get("Variables", {})
    used, queues = actions_used(name), event_queues(template, name)
    pairs = {(action, function["LoggingConfig"]["LogGroup"]["Ref"]) for action in LOGS}
    pairs |= {(action, queue) for action in POLLS_QUEUES for queue in queues}
    if "sqs:ChangeMessageVisibility" in used:
        pairs |= {("sqs:ChangeMessageVisibility", queue) for queue in queues}
    if "sqs:SendMessage" in used:
        sent_to = set().union(*(queues_in(value) for variable, value in variables.items() if "QUEUE_URL" in variable))
        pairs |= {("sqs:SendMessage", queue) for queue in sent_to}
    if "kafka-cluster:WriteData" in used:
        topics = {v.removeprefix("QUEUE_URL_").lower().replace("_", "-") for v in variables if v.startswith("QUEUE_URL_")}
        pairs |= {(action, f"topic {topic}") for action in WRITES_TOPICS for topic in topics}
    if "secretsmanager:GetSecretValue" in used:
        secrets = {key(value) for variable, value in variables.items() if variable.endswith(("SECRET_ARN", "URL_ARN"))}
        pairs |= {("secretsmanager:GetSecretValue", secret) for secret in secrets}
    if "lambda:InvokeFunction" in used:
        called = {value["Ref"] for variable, value in variables.items() if variable.endswith("_FUNCTION")}
        pairs |= {("lambda:InvokeFunction", function) for function in called}
    return pairs


def granted(template, function):
    for statement in template.statements(function):
        if statement["Effect"] == "Allow":
            yield from ((a, key(r)) for a in listed(statement["Action"]) for r in listed(statement["Resource"]))


def key(resource):
    """A resource by its logical id or parameter; anything else as it is written."""
    topic = re.search(r"topic/\$\{Cluster\}/([\w-]+)", str(resource))
    if topic:
        return f"topic {topic[1]}"
    if isinstance(resource, dict):
        return resource.get("Ref") or target(resource) or str(resource)
    return resource


def roles_grant_what_is_used_and_no_more(template):
    for name, function in template.functions().items():
        have, want = set(granted(template, function)), needed(template, name, function)
        for action, resource in sorted(have - want):
            yield f"{name} may {action} on {resource}, which no code of it does"
        for action, resource in sorted(want - have):
            yield f"{name} does {action} on {resource}, which its role does not allow"


def shared_policies_grant_what_lambda_does(template):
    for name, policy in template.of("AWS::IAM::ManagedPolicy").items():
        for statement in policy["PolicyDocument"]["Statement"]:
            extra = set(listed(statement["Action"])) - RUNS_FUNCTIONS - POLLS_TOPICS - PUBLISHES_TOPICS
            if statement["Effect"] == "Allow" and extra:
                yield f"{name} allows {sorted(extra)}, which nothing uses"


def roles_share_no_policies_of_others(template):
    policies = set(template.of("AWS::IAM::ManagedPolicy"))
    for name, function in template.functions().items():
        attached = {key(arn) for arn in template.role(function).get("ManagedPolicyArns", [])}
        for other in sorted(attached - policies):
            yield f"{name} has the policy {other}; AWS's own grant more than is used"
        if "ReadTopicsPolicy" in attached and not any("Topics" in m for m in template.mappings_of(name)):
            yield f"{name} may read topics, and none starts it"
        if ("PublishTopicsPolicy" in attached) != ("kafka-cluster:WriteData" in actions_used(name)):
            yield f"{name} publishes to topics, or may do so: not both"


def documents(template):
    """Every policy of the template: of roles, shared, of queues."""
    for name, role in template.of("AWS::IAM::Role").items():
        yield from ((name, policy["PolicyDocument"]) for policy in role.get("Policies", []))
    for kind in ["AWS::IAM::ManagedPolicy", "AWS::SQS::QueuePolicy"]:
        yield from ((name, policy["PolicyDocument"]) for name, policy in template.of(kind).items())


def nothing_is_a_wildcard(template):
    for name, document in documents(template):
        for statement in document["Statement"]:
            if statement["Effect"] == "Deny":
                continue
            actions = listed(statement["Action"])
            if any("*" in action for action in actions):
                yield f"{name} allows {actions}: an action is a wildcard"
            wild = any("*" in str(resource) for resource in listed(statement["Resource"]))
            if wild and set(actions) - WITHOUT_RESOURCE:
                yield f"{name} allows {sorted(set(actions) - WITHOUT_RESOURCE)} on a wildcard"


def what_knows_no_resource_is_allowed_on_all(template):
    """On anything else such an action is allowed on nothing, and AWS says so only when it is asked."""
    for name, document in documents(template):
        for statement in document["Statement"]:
            resources = listed(statement["Resource"])
            for action in sorted(set(listed(statement["Action"])) & WITHOUT_RESOURCE):
                if resources != ["*"]:
                    yield f"{name} allows {action} on {resources}; it knows no resource and is allowed on nothing then"


def every_call_of_aws_is_known(_template):
    files = sources.rust_files()
    yield from sources.unknown_clients(files)
    yield from sources.unlimited_clients(files)
    known = {path for paths in ENTRIES.values() for path in paths}
    for path, code in files.items():
        if path.startswith("shared/") and sources.calls_in(code) and path not in known:
            yield f"{path} asks AWS for {sorted(sources.calls_in(code))}; say in privileges.py what leads to it"


CHECKS = [
    roles_grant_what_is_used_and_no_more,
    shared_policies_grant_what_lambda_does,
    roles_share_no_policies_of_others,
    nothing_is_a_wildcard,
    what_knows_no_resource_is_allowed_on_all,
    every_call_of_aws_is_known,
]
