"""template.yaml as CloudFormation gets it: expanded by SAM's own translator, for every combination of the main parameters.

The other checks read what people write. What SAM makes of it (versions, aliases, schedules, their roles) is only here.
"""

import functools
import json
import logging
import os
import pickle
from itertools import product

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

from samtranslator.translator.transform import transform  # noqa: E402

from .modes import EXTRAS, FULL, GIVEN, SCHOOL, SHOP, SUBNETS, Deployment  # noqa: E402

# It says after each transformation that it sent nothing home, which was not asked for.
logging.getLogger("samtranslator").setLevel(logging.ERROR)
REGION, ACCOUNT = "us-east-1", "123456789012"
CODE = "s3://bucket/key"
# As on one machine: no secret is fetched either.
LOCAL = {
    "DatabaseUrl": "postgres://a", "DatabaseDirectUrl": "postgres://b", "RedisUrl": "redis://c",
    "RazorpayWebhookSecretArn": "", "RazorpayWebhookSecret": "given", "ConfirmationSecretArn": "", "ConfirmationSecret": "given",
}  # fmt: skip
PROXY = {"DatabaseProxyEndpoint": "proxy.example.com", "DatabaseSecurityGroupId": "sg-1"}
# The main parameters, each with its ways; of these every combination is looked at.
MAIN = {
    "network": {
        "made": {},
        "made, with endpoints": EXTRAS["endpoints"],
        "given": SUBNETS,
        "given, with endpoints": SUBNETS | EXTRAS["endpoints"],
        "given, with a proxy": GIVEN | PROXY,
        "given, with a cluster": GIVEN | {"DatabaseClusterId": "shared", "VpcSecurityGroupIds": ["sg-2"]},
        "none": LOCAL,
    },
    "transport": {"SQS": {}, "topics are read": {"MskClusterArn": EXTRAS["MSK"]["MskClusterArn"]}, "Kafka": EXTRAS["MSK"]},
    "pipelines": {"course": {}, "shop": dict.fromkeys(SCHOOL, "") | SHOP, "both": EXTRAS["a shop"] | EXTRAS["lists of the providers"]},
    "scale": {"small": {}, "small, nothing reserved": {"ReserveConcurrency": "no"}, "full": FULL},
    "architecture": {"arm64": {}, "x86_64": {"Architecture": "x86_64"}},
    "console": {"none": {}, "one": EXTRAS["a console"] | {"ConsoleClientSecretArn": "arn:o"}},
    "alarms": {"none": {"Alarms": "no"}, "yes": {"AlarmEmail": "a@example.com"}, "and canaries": {"Canary": "true"}},
}
# The one parameter by whose value SAM makes or leaves out resources; tests/contract/expanded_check.py tries the others.
READ_BY_SAM = "Canary"
PSEUDO = {
    "AWS::Region": REGION, "AWS::AccountId": ACCOUNT, "AWS::Partition": "aws", "AWS::StackName": "makegood", "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/makegood/1",
}  # fmt: skip

# Of each kind, what its Ref and its attributes are. In a name's place stands the logical id.
ARNS = {
    ("AWS::SQS::Queue", "Ref"): "https://sqs.{region}.amazonaws.com/{account}/{id}",
    ("AWS::SQS::Queue", "Arn"): "arn:aws:sqs:{region}:{account}:{id}",
    ("AWS::Logs::LogGroup", "Arn"): "arn:aws:logs:{region}:{account}:log-group:{id}:*",
    ("AWS::Lambda::Function", "Arn"): "arn:aws:lambda:{region}:{account}:function:{id}",
    ("AWS::Lambda::Alias", "Ref"): "arn:aws:lambda:{region}:{account}:function:{id}:live",
    ("AWS::IAM::Role", "Arn"): "arn:aws:iam::{account}:role/{id}",
    ("AWS::IAM::ManagedPolicy", "Ref"): "arn:aws:iam::{account}:policy/{id}",
    ("AWS::SNS::Topic", "Ref"): "arn:aws:sns:{region}:{account}:{id}",
    ("AWS::RDS::DBCluster", "MasterUserSecret.SecretArn"): "arn:aws:secretsmanager:{region}:{account}:secret:rds!{id}-AbCdEf",
}

class NoManagedPolicies:
    """Roles here name no policy of AWS's own, so there is nothing to look up."""

    def load(self):
        return {}


def real(value):
    """The short names of the other checks, in the form in which AWS has them."""
    if isinstance(value, list):
        return ",".join(map(real, value))
    kind, _, rest = value.partition("-")
    if kind in ("vpc", "subnet", "sg"):
        return f"{kind}-0123456789abcdef{rest}"
    if value == "arn:t":
        return f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms"
    if value.startswith("arn:") and len(value) == 5:
        return f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{value[4]}-AbCdEf"
    return value.replace("arn:aws:kafka:r:a:", f"arn:aws:kafka:{REGION}:{ACCOUNT}:")


def in_full(given):
    return {name: real(value) for name, value in given.items()}


def expanded(document, given):
    """The plain template of CloudFormation's, with these parameters as its defaults."""
    document = pickle.loads(pickle.dumps(document))
    document["Globals"]["Function"]["CodeUri"] = CODE
    for name, value in given.items():
        document["Parameters"][name]["Default"] = value
    return transform(document, given, NoManagedPolicies())


class Stack(Deployment):
    """One combination, and what each part of it comes to as text."""

    def __init__(self, document, ways, truth, given):
        super().__init__(document, given)
        self.ways, self.decided = ways, {**self.decided, **truth}

    def __str__(self):
        return "; ".join(f"{main}: {way}" for main, way in zip(MAIN, self.ways))

    def text(self, value):
        """This value as CloudFormation sends it. A resource's name is its logical id, so that it can be told from others."""
        if isinstance(value, list):
            return [self.text(part) for part in value]
        if not isinstance(value, dict):
            return value
        ((function, argument),) = value.items()
        return getattr(self, "text_of_" + function.replace("Fn::", "").lower())(argument)

    def text_of_ref(self, name):
        if name in PSEUDO:
            return PSEUDO[name]
        return self.parameters[name] if name in self.parameters else self.physical(name, "Ref")

    def text_of_getatt(self, argument):
        name, attribute = argument if isinstance(argument, list) else argument.split(".", 1)
        return self.physical(name, attribute)

    def physical(self, name, attribute):
        """Of a resource that this combination does not make as well: graph.py names the reference."""
        form = ARNS.get((self.document["Resources"][name]["Type"], attribute), "{id}")
        return form.format(region=REGION, account=ACCOUNT, id=name)

    def text_of_sub(self, argument):
        text, own = (argument, {}) if isinstance(argument, str) else argument
        for name in names_in(text):
            value = own[name] if name in own else {"Fn::GetAtt": name} if "." in name else {"Ref": name}
            text = text.replace("${" + name + "}", str(self.text(value)))
        return text

    def text_of_join(self, argument):
        return argument[0].join(self.text(argument[1]))

    def text_of_select(self, argument):
        return self.text(argument[1])[int(argument[0])]

    def text_of_split(self, argument):
        return self.text(argument[1]).split(argument[0])

    def text_of_if(self, argument):
        condition, then, otherwise = argument
        return self.text(then if self.holds(condition) else otherwise)

    def text_of_findinmap(self, argument):
        name, top, second = self.text(argument)
        return self.document["Mappings"][name][top][second]


def names_in(text):
    """What `${…}` of an Fn::Sub names; `${!…}` is none."""
    return {part.split("}")[0] for part in text.split("${")[1:] if not part.startswith("!")}


@functools.lru_cache(maxsize=2)
def plain_templates(template):
    """The template as SAM expands it, by the value of the parameter that it reads."""
    return {value: expanded(template.document, in_full(SCHOOL | {READ_BY_SAM: value})) for value in ["false", "true"]}


def combinations():
    """(ways, what is given) of every combination of the main parameters."""
    for ways in product(*MAIN.values()):
        # Without a network the functions reach no brokers.
        if ways[0] == "none" and ways[1] != "SQS":
            continue
        given = dict(SCHOOL)
        for parts, way in zip(MAIN.values(), ways):
            given |= parts[way]
        yield ways, in_full(given)


@functools.lru_cache(maxsize=8)
def told_apart(conditions, parameters):
    """One combination of each set in which the same conditions hold, and these: their resources have the same form."""
    found, document = {}, {"Conditions": json.loads(conditions), "Parameters": json.loads(parameters)}
    for ways, given in combinations():
        stack = Deployment(document, given)
        truth = {name: stack.holds(name) for name in document["Conditions"]}
        found.setdefault((given.get(READ_BY_SAM), *truth.values()), (ways, given, truth))
    return list(found.values())


@functools.lru_cache(maxsize=2)
def different(template):
    """A stack of each of those."""
    plain = plain_templates(template)
    conditions, parameters = (json.dumps(template.document[part]) for part in ("Conditions", "Parameters"))
    apart = told_apart(conditions, parameters)
    return [Stack(plain[given.get(READ_BY_SAM, "false")], ways, truth, given) for ways, given, truth in apart]


def mentioned(value):
    """The conditions and parameters on which this part of a template hangs."""
    if isinstance(value, list):
        return frozenset().union(*map(mentioned, value))
    if not isinstance(value, dict):
        return frozenset()
    own = set()
    if "Fn::If" in value:
        own.add(("if", value["Fn::If"][0]))
    if "Condition" in value and isinstance(value["Condition"], str):
        own.add(("if", value["Condition"]))
    if "Ref" in value:
        own.add(("parameter", value["Ref"]))
    if isinstance(value.get("Fn::Sub"), (str, list)):
        text = value["Fn::Sub"] if isinstance(value["Fn::Sub"], str) else value["Fn::Sub"][0]
        own |= {("parameter", name) for name in names_in(text)}
    return frozenset(own).union(*map(mentioned, value.values()))


def each_form(template, kinds):
    """(a combination, logical id, resource) of every different form that a resource of these kinds takes over all combinations."""
    for value, plain in plain_templates(template).items():
        stacks = [stack for stack in different(template) if stack.parameters[READ_BY_SAM] == value]
        for name, resource in plain["Resources"].items():
            if resource["Type"] not in kinds:
                continue
            hangs_on, seen = sorted(mentioned(resource)), set()
            for stack in stacks:
                if not stack.holds(resource.get("Condition")):
                    continue
                form = tuple(stack.holds(on) if kind == "if" else stack.parameters.get(on) for kind, on in hangs_on)
                if form not in seen:
                    seen.add(form)
                    yield stack, name, resource


def decided(document, given):
    """Without the resources that are not made, and without the branches that are not taken."""
    stack = Deployment(document, given)

    def taken(value):
        if isinstance(value, list):
            return [part for part in map(taken, value) if part != {"Ref": "AWS::NoValue"}]
        if not isinstance(value, dict):
            return value
        if "Fn::If" in value:
            condition, then, otherwise = value["Fn::If"]
            return taken(then if stack.holds(condition) else otherwise)
        inner = {key: taken(part) for key, part in value.items()}
        return {key: part for key, part in inner.items() if part != {"Ref": "AWS::NoValue"}}

    kept = {name: taken({k: v for k, v in r.items() if k != "Condition"}) for name, r in stack.resources.items()}
    outputs = {name: taken({k: v for k, v in o.items() if k != "Condition"}) for name, o in document["Outputs"].items() if stack.holds(o.get("Condition"))}
    without = {key: part for key, part in document.items() if key not in ("Conditions", "Rules")}
    return {**without, "Resources": kept, "Outputs": outputs}
