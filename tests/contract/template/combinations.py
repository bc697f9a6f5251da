"""Every combination of parameters that belong together is refused with the name of what is in the way, or works.

To work means: everything that was given is used, nothing that is used was not given, no second network or database is made
beside one that is there, and each function knows its database.
"""

from itertools import product

from . import pipelines
from .modes import DOMAIN, SCHOOL, SHOP, ZONE, Deployment

NETWORK_AND_DATABASE = {
    "DatabaseUrl": "postgres://127.0.0.1:1/a",
    "DatabaseDirectUrl": "postgres://127.0.0.1:2/b",
    "DatabaseSecretArn": "arn:d",
    "DatabaseEndpoint": "db.example.com",
    "DatabaseProxyEndpoint": "proxy.example.com",
    "DatabaseClusterId": "shared",
    "DatabaseSecurityGroupId": "sg-1",
    "VpcId": "vpc-1",
    "VpcSubnetIds": ["subnet-1", "subnet-2"],
    "VpcSecurityGroupIds": ["sg-2"],
    "RedisUrl": "redis://127.0.0.1:3",
    "RedisUrlSecretArn": "arn:r",
    "VpcEndpoints": "yes",
}
ZONES = {"ZoneA": "us-east-1a", "ZoneB": "us-east-1b", "VpcId": "vpc-1", "VpcSubnetIds": ["subnet-1", "subnet-2"]}
OF_A_COURSE = {"AdminServiceUrl": "https://admin.example.com"} | {
    name: "given" for name in ["RazorpayWebhookSecretArn", "RazorpayWebhookSecret", "StripeWebhookSecretArn", "StripeWebhookSecret", "RazorpayApiSecretArn", "StripeApiSecretArn", "ConfirmationSecretArn", "ConfirmationSecret"]
}
OF_A_SHOP = {name: "given" for name in [*SHOP, "EsewaSecret", "KhaltiSecret"] if name != "Pipelines"}
CACHE = {name: NETWORK_AND_DATABASE[name] for name in ["DatabaseUrl", "DatabaseDirectUrl", "RedisUrl", "RedisUrlSecretArn", "VpcEndpoints"]}
CONSOLE = {name: "given" for name in ["ConsoleIssuer", "ConsoleClientId", "ConsoleClientSecretArn", "ConsoleSecretArn", "ConsoleSecret"]}
KAFKA = {"Transport": "kafka", "MskClusterArn": "arn:aws:kafka:r:a:cluster/c/1", "KafkaBrokers": "b:9098"}
LOCAL = {"DatabaseUrl": "postgres://127.0.0.1:1/a", "DatabaseDirectUrl": "postgres://127.0.0.1:2/b", "RedisUrl": "redis://127.0.0.1:3"}
ROLLOUT = {"Canary": "true", "Alarms": "no", "AlarmEmail": "a@example.com", "AlarmTopicArn": "arn:t", "Scale": "full", "ReserveConcurrency": "no"}
# Groups of which every combination is tried, beside a set that is complete.
GROUPS = {
    "network and database": (SCHOOL, NETWORK_AND_DATABASE),
    "zones": (SCHOOL, ZONES),
    "zones beside a URL": (SCHOOL | LOCAL, ZONES),
    "a course": ({"Pipelines": "course"}, OF_A_COURSE),
    "a local course": ({"Pipelines": "course"} | LOCAL, OF_A_COURSE),
    "a course beside a shop": (SHOP | {"Pipelines": "both"}, OF_A_COURSE),
    "what a course has, in a shop alone": (SHOP, OF_A_COURSE),
    "a shop alone": ({"Pipelines": "shop"}, OF_A_SHOP),
    "a local shop alone": ({"Pipelines": "shop"} | LOCAL, OF_A_SHOP),
    "a shop beside a course": (SCHOOL, {"Pipelines": "both"} | OF_A_SHOP),
    "a cache in a shop alone": (SHOP, CACHE),
    "console": (SCHOOL, CONSOLE),
    "a local console": (SCHOOL | LOCAL, CONSOLE),
    "kafka": (SCHOOL, KAFKA),
    "rollout": (SCHOOL, ROLLOUT),
    "domain": (SCHOOL, DOMAIN | ZONE | {"DefaultEndpoint": "no"}),
}
# A value that is the other side of a choice, and is used by being chosen.
CHOICES = {"Pipelines", "Transport", "VpcEndpoints", "Canary", "Alarms", "Scale", "ReserveConcurrency", "DefaultEndpoint"}
# These may be empty in a function's variables: their readers know it.
MAY_BE_EMPTY = {"ESEWA_STATUS_BASE_URL"}
KNOWS_ITS_DATABASE = [{"DATABASE_URL"}, {"DATABASE_SECRET_ARN", "DATABASE_PROXY_ENDPOINT", "DATABASE_NAME"}]


def combinations(template):
    for group, (beside, parameters) in GROUPS.items():
        for chosen in product([False, True], repeat=len(parameters)):
            given = {name: parameters[name] for name, wanted in zip(parameters, chosen) if wanted}
            yield group, given, Deployment(template.document, beside | given)


def written(group, given):
    return f"{group} with {', '.join(given) or 'nothing'}"


def every_combination_is_refused_or_works(template):
    accepted = dict.fromkeys(GROUPS, 0)
    for group, given, deployment in combinations(template):
        reasons = list(deployment.refusals())
        if reasons:
            # What is missing, or what is one too many.
            if not any(name in reason for reason in reasons for name in GROUPS[group][1]):
                yield f"{written(group, given)} is refused, and no parameter is named: {reasons}"
            continue
        accepted[group] += 1
        yield from (f"{written(group, given)} is accepted: {problem}" for problem in faults(deployment, given))
    for group, count in accepted.items():
        if not count:
            yield f"of the combinations of {group} none is accepted"


def faults(deployment, given):
    """What is wrong with a deployment that the rules let through."""
    yield from sorted(set(deployment.dangling()))
    used = set(deployment.references(list(deployment.resources.values()))) | set(globals_of(deployment))
    # What is of a pipeline that is not chosen waits for it.
    off = pipelines.parameters_of_absent(deployment.parameters["Pipelines"])
    for name in sorted(set(given) - used - CHOICES - off):
        yield f"{name} is given and nothing uses it"
    for name in sorted(set(given) & used & off):
        yield f"{name} is used, and its pipeline is not chosen"
    for name, resource in deployment.resources.items():
        if deployment.resolved(resource.get("Properties", {})).get("VpcId") == "":
            yield f"{name} points at an empty VpcId"
    if "VpcSubnetIds" in given and deployment.of("AWS::EC2::VPC"):
        yield "a second network is made"
    if {"DatabaseUrl", "DatabaseSecretArn"} & set(given) and deployment.of("AWS::RDS::DBCluster"):
        yield "a second database is made"
    for name, function in deployment.of("AWS::Serverless::Function").items():
        variables = function.get("Environment", {}).get("Variables", {})
        for variable, value in variables.items():
            if value in ("", "-") and variable not in MAY_BE_EMPTY:
                yield f"{name} is told {variable}={value!r}"
        its = {variable for variable in variables if variable.startswith("DATABASE_")} - {"DATABASE_POOL_SIZE"}
        if its and its not in KNOWS_ITS_DATABASE:
            yield f"{name} is told {sorted(its)} of its database"


def globals_of(deployment):
    return deployment.references(deployment.document["Globals"])


CHECKS = [every_combination_is_refused_or_works]
