"""If creating the stack fails: what CloudFormation's way back leaves, by the resource at which it fails. Nothing that can't be removed.

A resource that fails finds everything there that does not wait for it, since CloudFormation makes the rest meanwhile. Of what was made,
a few kinds leave something behind or take their time; `TRACES` says which. The table is in docs/deploy.md (docs/left.py writes it).
"""

from . import expansion, graph
from .model import ROOT, listed

PAGE, START, END = ROOT / "docs/deploy.md", "<!-- left -->\n", "<!-- end -->"
# Kinds that go when the stack goes, and leave their name free.
GONE = {
    "AWS::ApiGatewayV2": "Api ApiMapping Authorizer DomainName Integration Route Stage",
    "AWS::CloudWatch": "Alarm Dashboard",
    "AWS::CodeDeploy": "Application DeploymentGroup",
    "AWS::EC2": "EIP InternetGateway NatGateway Route RouteTable SecurityGroup SecurityGroupIngress Subnet SubnetRouteTableAssociation VPC "
    "VPCEndpoint VPCGatewayAttachment",
    "AWS::ElastiCache": "ServerlessCache",
    "AWS::IAM": "ManagedPolicy Role",
    "AWS::Lambda": "Alias EventInvokeConfig EventSourceMapping Permission Version",
    "AWS::Logs": "LogGroup",
    "AWS::RDS": "DBClusterParameterGroup DBInstance DBProxy DBProxyTargetGroup DBSubnetGroup",
    "AWS::Route53": "RecordSet",
    "AWS::Scheduler": "Schedule",
}
GONE = {f"{service}::{kind}" for service, kinds in GONE.items() for kind in kinds.split()}
# Kinds that leave something, or take long; the word that the table has for each.
TRACES = {"AWS::RDS::DBCluster": "a snapshot", "AWS::Lambda::Function": "network interfaces", "AWS::SQS::Queue": "queues' names", "AWS::SNS::Topic": "a mail"}
# Kinds that must not be here, and why.
FORBIDDEN = {
    "AWS::S3::Bucket": "one that holds anything is not deleted",
    "AWS::ECR::Repository": "one that holds anything is not deleted",
    "AWS::SecretsManager::Secret": "it is only scheduled for deletion, and its name stays taken for days",
    "AWS::KMS::Key": "it is only scheduled for deletion",
    "AWS::DynamoDB::Table": "its data would go without a word; say here what becomes of it",
}
# What a policy leaves: the last state of the data, and versions that go with their function.
POLICIES = {"AWS::RDS::DBCluster": "Snapshot", "AWS::Lambda::Version": "Retain"}
# What the way back needs after the functions are gone: Lambda removes their network interfaces with the right of their role.
REMOVES_INTERFACES = "ec2:DeleteNetworkInterface"
# The property by which a kind is named, where the template may leave the name to CloudFormation.
NAMED = {
    "AWS::Lambda::Function": "FunctionName", "AWS::SQS::Queue": "QueueName", "AWS::Logs::LogGroup": "LogGroupName", "AWS::RDS::DBProxy": "DBProxyName",
    "AWS::RDS::DBCluster": "DBClusterIdentifier", "AWS::ElastiCache::ServerlessCache": "ServerlessCacheName", "AWS::Scheduler::Schedule": "Name",
    "AWS::IAM::Role": "RoleName", "AWS::IAM::ManagedPolicy": "ManagedPolicyName", "AWS::SNS::Topic": "TopicName",
    "AWS::CloudWatch::Alarm": "AlarmName", "AWS::CloudWatch::Dashboard": "DashboardName", "AWS::EC2::SecurityGroup": "GroupName",
    "AWS::RDS::DBSubnetGroup": "DBSubnetGroupName", "AWS::RDS::DBClusterParameterGroup": "DBClusterParameterGroupName",
}  # fmt: skip
# The stack of which the table speaks: all that can be made is made.
ALL_OF_IT = ("made, with endpoints", "SQS", "both", "full", "arm64", "one", "yes")


def every_kind_is_known(template):
    for plain in expansion.plain_templates(template).values():
        for name, resource in plain["Resources"].items():
            kind = resource["Type"]
            if kind in FORBIDDEN:
                yield f"{name} is of the kind {kind}: {FORBIDDEN[kind]}"
            elif kind not in GONE and kind not in TRACES:
                yield f"{name} is of the kind {kind}; say in failure.py what a failed deployment leaves of it"


def nothing_is_kept(template):
    """While the parameter that protects the database is left out, as for a first deployment."""
    for plain in expansion.plain_templates(template).values():
        for name, resource in plain["Resources"].items():
            policy = resource.get("DeletionPolicy", "Delete")
            if policy not in ("Delete", POLICIES.get(resource["Type"])):
                yield f"{name} stays when the stack goes: its DeletionPolicy is {policy}"
    for stack, name, resource in expansion.each_form(template, TRACES.keys() | GONE):
        properties = stack.resolved(resource.get("Properties", {}))
        protected = {key for key, value in properties.items() if "Protection" in key and value not in (False, "DISABLED", "INACTIVE")}
        for key in sorted(protected):
            yield f"{name} refuses to be deleted ({key}), with {stack}"


def log_groups_are_made_first(template):
    """Whatever writes to a log group that is not there makes one that is never removed; the next deployment then finds its name taken."""
    for stack, name, resource in expansion.each_form(template, {"AWS::Lambda::Function", "AWS::RDS::DBCluster", "AWS::RDS::DBProxy"}):
        properties = resource["Properties"]
        own = {
            "AWS::Lambda::Function": lambda: [f"/aws/lambda/{stack.text(properties['FunctionName'])}"],
            "AWS::RDS::DBCluster": lambda: [
                f"/aws/rds/cluster/{stack.text(properties['DBClusterIdentifier'])}/{export}" for export in properties.get("EnableCloudwatchLogsExports", [])
            ],
            "AWS::RDS::DBProxy": lambda: [f"/aws/rds/proxy/{stack.text(properties['DBProxyName'])}"],
        }[resource["Type"]]()
        waits = {other for at, other, _ in graph.edges({"Resources": {name: resource}, "Outputs": {}}) if at == name}
        made = [other for other in waits if stack.resources.get(other, {}).get("Type") == "AWS::Logs::LogGroup"]
        first = {stack.text(stack.resources[other]["Properties"]["LogGroupName"]) for other in made}
        for group in sorted(set(own) - first):
            yield f"{name} would make {group} by itself"


def names_are_the_stacks_own(template):
    """A name that two stacks share is taken when the second one is made."""
    for stack, name, resource in expansion.each_form(template, NAMED.keys()):
        given = resource.get("Properties", {}).get(NAMED[resource["Type"]])
        if given and expansion.PSEUDO["AWS::StackName"] not in str(stack.text(given)):
            yield f"{name} is named {stack.text(given)} in every stack"


def functions_go_before_what_removes_their_interfaces(template):
    for stack, name, resource in expansion.each_form(template, {"AWS::Lambda::Function"}):
        if not stack.resolved(resource["Properties"]).get("VpcConfig"):
            continue
        waits = everything_before(name, waits_of(stack))
        if not any(may(stack, other) for other in waits):
            yield f"{name} is in a network, and no role that outlives it may {REMOVES_INTERFACES}, with {stack}"


def may(stack, name):
    """Whether this is a policy that allows to remove them."""
    if stack.resources[name]["Type"] != "AWS::IAM::ManagedPolicy":
        return False
    statements = stack.resolved(stack.resources[name]["Properties"])["PolicyDocument"]["Statement"]
    return any(s["Effect"] == "Allow" and REMOVES_INTERFACES in listed(s["Action"]) for s in statements)


def waits_of(stack):
    """What each resource of this combination waits for."""
    if not hasattr(stack, "waits"):
        stack.waits = {name: set() for name in stack.resources}
        for name, other, guards in graph.edges(stack.document):
            if name in stack.waits and other in stack.waits and graph.first([stack], guards):
                stack.waits[name].add(other)
    return stack.waits


def everything_before(name, waits):
    found, left = set(), [name]
    while left:
        new = waits[left.pop()] - found
        found |= new
        left += new
    return found


def left_by(template):
    """[(the resources at which it fails, the traces of what can be there by then)], the largest group last."""
    (stack,) = [stack for stack in expansion.different(template) if stack.ways == ALL_OF_IT]
    waits = waits_of(stack)
    before = {name: everything_before(name, waits) for name in waits}
    groups = {}
    for failing in waits:
        there = [name for name in waits if name != failing and failing not in before[name]]
        kinds = {stack.resources[name]["Type"] for name in there}
        # The database may be half made when it fails itself.
        traces = tuple(word for kind, word in TRACES.items() if kind in kinds | {stack.resources[failing]["Type"]})
        groups.setdefault(traces, []).append(failing)
    return sorted(((names, traces) for traces, names in groups.items()), key=lambda group: len(group[0]))


def table(template):
    rows = left_by(template)
    lines = ["| it fails at | what may be left, or takes long |", "| --- | --- |"]
    for names, traces in rows[:-1]:
        lines.append(f"| {', '.join(f'`{name}`' for name in sorted(names))} | {', '.join(traces)} |")
    lines.append(f"| any of the other {len(rows[-1][0])} | {', '.join(rows[-1][1])} |")
    return "\n".join(lines) + "\n"


def the_page_says_what_is_left(template):
    text = PAGE.read_text()
    if table(template) != text.partition(START)[2].partition(END)[0]:
        yield "docs/deploy.md has another table of what a failed deployment leaves: python docs/left.py --write"


CHECKS = [
    every_kind_is_known,
    nothing_is_kept,
    log_groups_are_made_first,
    names_are_the_stacks_own,
    functions_go_before_what_removes_their_interfaces,
    the_page_says_what_is_left,
]
