"""What is made and what is given: each way to deploy makes what it should, and points at nothing that is not there."""

import functools
import re
from itertools import product

from .model import ROOT, listed

SCHOOL = {"Pipelines": "course", "AdminServiceUrl": "https://admin.example.com", "RazorpayWebhookSecretArn": "arn:w", "ConfirmationSecretArn": "arn:c"}
SUBNETS = {"VpcId": "vpc-1", "VpcSubnetIds": ["subnet-1", "subnet-2"]}
GIVEN = {**SUBNETS, "DatabaseSecretArn": "arn:d", "DatabaseEndpoint": "db.example.com", "RedisUrl": "rediss://cache.example.com"}
# A shop without a school; with both, EXTRAS["a shop"] comes to a school.
SHOP = {
    "Pipelines": "shop", "JwtIssuer": "https://id.example.com", "JwtAudience": "shop", "EsewaBaseUrl": "https://e.example.com", "EsewaProductCode": "P",
    "EsewaSecretArn": "arn:e", "KhaltiBaseUrl": "https://k.example.com", "KhaltiSecretArn": "arn:k", "PaymentReturnUrl": "https://s.example.com",
}  # fmt: skip
FULL = {"Scale": "full"}
DOMAIN = {"DomainName": "pay.example.com", "DomainCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/a"}
ZONE = {"DomainHostedZoneId": "Z0123456789ABC"}
# Ways to deploy, and of these kinds of resources how many each makes.
WAYS = {
    "everything is made": (
        SCHOOL,
        {"AWS::EC2::VPC": 1, "AWS::RDS::DBCluster": 1, "AWS::RDS::DBInstance": 1, "AWS::RDS::DBProxy": 0, "AWS::ElastiCache::ServerlessCache": 1}
        | {"AWS::ApiGatewayV2::DomainName": 0, "AWS::ApiGatewayV2::ApiMapping": 0, "AWS::Route53::RecordSet": 0},
    ),
    "a shop without a school": (SHOP, {"AWS::EC2::VPC": 1, "AWS::RDS::DBCluster": 1, "AWS::RDS::DBInstance": 1, "AWS::ElastiCache::ServerlessCache": 0}),
    "a name is given": (SCHOOL | DOMAIN, {"AWS::ApiGatewayV2::DomainName": 1, "AWS::ApiGatewayV2::ApiMapping": 1, "AWS::Route53::RecordSet": 0}),
    "everything is made, full": (
        SCHOOL | FULL,
        {"AWS::EC2::VPC": 1, "AWS::RDS::DBCluster": 1, "AWS::RDS::DBInstance": 2, "AWS::RDS::DBProxy": 1, "AWS::ElastiCache::ServerlessCache": 1},
    ),
    "everything is made in an account of ten": (SCHOOL | {"ReserveConcurrency": "no"}, {"AWS::RDS::DBCluster": 1, "AWS::RDS::DBProxy": 0}),
    "a network is given": (SCHOOL | SUBNETS, {"AWS::EC2::VPC": 0, "AWS::RDS::DBCluster": 1, "AWS::RDS::DBProxy": 0}),
    "a network is given, full": (SCHOOL | SUBNETS | FULL, {"AWS::EC2::VPC": 0, "AWS::RDS::DBInstance": 2, "AWS::RDS::DBProxy": 1}),
    "a school with Stripe alone": (
        {**SCHOOL, "RazorpayWebhookSecretArn": "", "StripeWebhookSecretArn": "arn:s"},
        {"AWS::EC2::VPC": 1, "AWS::RDS::DBCluster": 1},
    ),
    "a cluster is given": (SCHOOL | GIVEN | {"DatabaseClusterId": "shared"}, {"AWS::RDS::DBCluster": 0, "AWS::RDS::DBProxy": 1}),
    "a proxy is given": (
        SCHOOL | GIVEN | {"DatabaseProxyEndpoint": "proxy.example.com", "DatabaseSecurityGroupId": "sg-1", "VpcSecurityGroupIds": ["sg-2"]},
        {"AWS::EC2::VPC": 0, "AWS::RDS::DBCluster": 0, "AWS::RDS::DBProxy": 0, "AWS::ElastiCache::ServerlessCache": 0},
    ),
    "local": (
        SCHOOL | FULL | {"DatabaseUrl": "postgres://127.0.0.1:1/a", "DatabaseDirectUrl": "postgres://127.0.0.1:2/b", "RedisUrl": "redis://127.0.0.1:3", "Alarms": "no"},
        {"AWS::EC2::VPC": 0, "AWS::EC2::SecurityGroup": 0, "AWS::RDS::DBProxy": 0, "AWS::CloudWatch::Alarm": 0, "AWS::CloudWatch::Dashboard": 0},
    ),
}
EXTRAS = {
    "a shop": SHOP | {"Pipelines": "both"},
    "lists of the providers": {"RazorpayApiSecretArn": "arn:r", "StripeApiSecretArn": "arn:s"},
    "MSK": {"Transport": "kafka", "MskClusterArn": "arn:aws:kafka:r:a:cluster/c/1", "KafkaBrokers": "b:9098"},
    "endpoints": {"VpcEndpoints": "yes"},
    "a console": {"ConsoleIssuer": "https://id.example.com", "ConsoleClientId": "console", "ConsoleSecretArn": "arn:s"},
}  # fmt: skip
# What the rules refuse: half a set of parameters.
REFUSED = {
    "one zone twice": SCHOOL | {"ZoneA": "us-east-1a", "ZoneB": "us-east-1a"},
    "full without reservations": SCHOOL | FULL | {"ReserveConcurrency": "no"},
    "a secret without an endpoint": SCHOOL | SUBNETS | {"DatabaseSecretArn": "arn:d", "DatabaseProxyEndpoint": "proxy.example.com"},
    "a database without a proxy or cluster": SCHOOL | GIVEN,
    "a database without its network": {**SCHOOL, **GIVEN, "VpcId": "", "DatabaseClusterId": "shared"},
    "a URL without a direct one": SCHOOL | {"DatabaseUrl": "postgres://127.0.0.1:1/a", "RedisUrl": "redis://127.0.0.1:3"},
    "a URL and no cache": SCHOOL | {"DatabaseUrl": "postgres://127.0.0.1:1/a", "DatabaseDirectUrl": "postgres://127.0.0.1:2/b"},
    "Kafka without brokers": SCHOOL | {"Transport": "kafka"},
    "a school without a webhook's secret": {**SCHOOL, "RazorpayWebhookSecretArn": ""},
    "a school without its admin service": {**SCHOOL, "AdminServiceUrl": ""},
    "both, and only a school is given": SCHOOL | {"Pipelines": "both"},
    "both, and only a shop is given": SHOP | {"Pipelines": "both"},
    "Stripe's secret twice": SCHOOL | {"StripeWebhookSecretArn": "arn:s", "StripeWebhookSecret": "hush"},
    "Razorpay's key twice": SCHOOL | {"RazorpayApiSecretArn": "arn:r", "RazorpayApiSecret": "rzp_live_1:secret"},
    "Stripe's key twice": SCHOOL | {"StripeApiSecretArn": "arn:s", "StripeApiSecret": "rk_live_1"},
    "a shop without a gateway's key": SCHOOL | {**EXTRAS["a shop"], "KhaltiSecretArn": ""},
    "a shop without buyers' tokens": SCHOOL | {**EXTRAS["a shop"], "JwtIssuer": ""},
    "a console without its client": SCHOOL | {**EXTRAS["a console"], "ConsoleClientId": ""},
    "a name without a certificate": SCHOOL | {**DOMAIN, "DomainCertificateArn": ""},
    "a hosted zone without a name": SCHOOL | ZONE,
    "a cache twice": SCHOOL | {"RedisUrl": "redis://cache.example.com", "RedisUrlSecretArn": "arn:r"},
    "a secret as text": SCHOOL | {"ConfirmationSecretArn": "", "ConfirmationSecret": "hush"},
    "a sandbox's merchant": SCHOOL | {**EXTRAS["a shop"], "EsewaProductCode": "EPAYTEST"},
    "no address at all": SCHOOL | {"DefaultEndpoint": "no"},
    "a console that can't sign": SCHOOL | {**EXTRAS["a console"], "ConsoleSecretArn": ""},
}

NOTHING = object()


class Deployment:
    """The template with these parameters: conditions decided, absent resources gone."""

    def __init__(self, document, given):
        self.document = document
        self.parameters = {name: given.get(name, p.get("Default", "")) for name, p in document["Parameters"].items()}
        self.decided = {None: True}

    @functools.cached_property
    def resources(self):
        return {name: r for name, r in self.document["Resources"].items() if self.holds(r.get("Condition"))}

    def holds(self, name):
        if name not in self.decided:
            self.decided[name] = self.decide(self.document["Conditions"][name])
        return self.decided[name]

    def decide(self, rule):
        """A condition function's truth."""
        ((function, argument),) = rule.items()
        if function == "Condition":
            return self.holds(argument)
        if function == "Fn::Equals":
            return self.value(argument[0]) == self.value(argument[1])
        if function == "Fn::Not":
            return not self.decide(argument[0])
        if function == "Fn::EachMemberIn":
            members, allowed = (listed(self.value(part)) for part in argument)
            return all(member in allowed for member in members)
        return {"Fn::And": all, "Fn::Or": any}[function](self.decide(part) for part in argument)

    def value(self, expression):
        if isinstance(expression, dict) and "Fn::Join" in expression:
            separator, parts = expression["Fn::Join"]
            return separator.join(self.value(parts))
        return self.parameters[expression["Ref"]] if isinstance(expression, dict) else expression

    def resolved(self, value):
        """This part as CloudFormation sends it: branches taken, parameters and mappings put in, what has no value gone."""
        if isinstance(value, list):
            return [r for r in map(self.resolved, value) if r is not NOTHING]
        if not isinstance(value, dict):
            return value
        if "Fn::If" in value:
            condition, then, otherwise = value["Fn::If"]
            return self.resolved(then if self.holds(condition) else otherwise)
        if "Fn::FindInMap" in value:
            name, top, second = self.resolved(value["Fn::FindInMap"])
            return self.document["Mappings"][name][top][second]
        if value == {"Ref": "AWS::NoValue"}:
            return NOTHING
        if set(value) == {"Ref"}:
            return self.parameters.get(value["Ref"], value)
        inner = {key: self.resolved(part) for key, part in value.items()}
        return {key: part for key, part in inner.items() if part is not NOTHING}

    def of(self, kind):
        """Properties of each resource of this kind that is made, by logical id."""
        return {name: self.resolved(r.get("Properties", {})) for name, r in self.resources.items() if r["Type"] == kind}

    def refusals(self):
        for rule in self.document["Rules"].values():
            if "RuleCondition" not in rule or self.decide(rule["RuleCondition"]):
                yield from (a["AssertDescription"] for a in rule["Assertions"] if not self.decide(a["Assert"]))

    def references(self, value):
        """Everything that this part of the template points at, of an Fn::If only the branch taken."""
        if isinstance(value, list):
            for inner in value:
                yield from self.references(inner)
        elif isinstance(value, dict):
            if "Fn::If" in value:
                condition, then, otherwise = value["Fn::If"]
                yield from self.references(then if self.holds(condition) else otherwise)
                return
            for key, inner in value.items():
                if key == "Ref":
                    yield inner
                elif key == "Fn::GetAtt":
                    yield inner[0]
                elif key == "Fn::Sub":
                    text, own = (inner, {}) if isinstance(inner, str) else inner
                    yield from (name for name in re.findall(r"\$\{([\w.:]+)\}", text) if name not in own)
                    yield from self.references(own)
                else:
                    yield from self.references(inner)

    def dangling(self):
        known = set(self.parameters) | set(self.resources)
        parts = {**self.resources, **{k: v for k, v in self.document["Outputs"].items() if self.holds(v.get("Condition"))}}
        for name, part in parts.items():
            for reference in self.references({k: v for k, v in part.items() if k != "Condition"}):
                if not reference.startswith("AWS::") and reference.split(".")[0] not in known:
                    yield f"{name} points at {reference}"


def deployments(template):
    """Every way, with every combination of the extras."""
    for way, (parameters, made) in WAYS.items():
        for chosen in product([False, True], repeat=len(EXTRAS)):
            extras = [name for name, wanted in zip(EXTRAS, chosen) if wanted]
            if {"local": "endpoints", "a shop without a school": "a shop"}.get(way) in extras:
                continue
            given = dict(parameters)
            for extra in extras:
                given |= EXTRAS[extra]
            yield " with ".join([way, *extras]), Deployment(template.document, given), made


def every_way_points_only_at_what_is_there(template):
    for way, deployment, _ in deployments(template):
        yield from (f"{way}: {problem}" for problem in sorted(set(deployment.dangling())))


def every_way_makes_what_it_should(template):
    for way, deployment, made in deployments(template):
        yield from (f"{way} is refused: {reason}" for reason in deployment.refusals())
        for kind, wanted in made.items():
            count = sum(r["Type"] == kind for r in deployment.resources.values())
            if (wanted and count != wanted) or (not wanted and count):
                yield f"{way} makes {count} of {kind}"


def half_a_set_of_parameters_is_refused(template):
    for what, given in REFUSED.items():
        if not list(Deployment(template.document, given).refusals()):
            yield f"{what} is not refused"


def a_new_database_can_be_removed(template):
    """While its protection is on, a first deployment that fails can't be rolled back: it would leave a database to be removed by hand."""
    for wanted, protected in {None: False, "no": False, "yes": True}.items():
        given = SCHOOL | ({"ProtectDatabase": wanted} if wanted else {})
        for name, cluster in Deployment(template.document, given).of("AWS::RDS::DBCluster").items():
            if cluster.get("DeletionProtection") is not protected:
                yield f"{name}: with ProtectDatabase={wanted or 'not given'} its deletion protection is {cluster.get('DeletionProtection')}"
    if "ProtectDatabase=yes" not in (ROOT / "docs/deploy.md").read_text():
        yield "docs/deploy.md does not say when to give ProtectDatabase=yes"


def an_account_can_hold_it(template):
    """A new account lets ten executions run at once and reserves none; most have 1,000, of which 100 can't be reserved."""
    for what, given, most in [("in an account of ten", {"ReserveConcurrency": "no"}, 0), ("small", {}, 80), ("full", FULL, 900)]:
        functions = Deployment(template.document, SCHOOL | EXTRAS["a shop"] | EXTRAS["a console"] | given).of("AWS::Serverless::Function")
        reserved = sum(f.get("ReservedConcurrentExecutions", 0) for f in functions.values())
        if reserved > most:
            yield f"{what} {reserved} executions are reserved, at most {most} can be"


def a_network_made_here_is_in_the_zones_that_are_given(template):
    """The first two of a region may lack what is made here; then the stack fails late."""
    given = {"ZoneA": "us-east-1c", "ZoneB": "us-east-1d"}
    for way, parameters in [("a network made here", SCHOOL | given), ("one made here, full", SCHOOL | FULL | given)]:
        for name, subnet in Deployment(template.document, parameters).of("AWS::EC2::Subnet").items():
            if subnet["AvailabilityZone"] not in given.values():
                yield f"{way}: {name} is in {subnet['AvailabilityZone']}"


CHECKS = [
    a_network_made_here_is_in_the_zones_that_are_given,
    an_account_can_hold_it,
    every_way_points_only_at_what_is_there,
    every_way_makes_what_it_should,
    half_a_set_of_parameters_is_refused,
    a_new_database_can_be_removed,
]
