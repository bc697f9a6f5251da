"""What the roles allow, beside what AWS knows: every action exists, and takes the kind of resource that it is allowed on.

IAM takes any text for an action or a resource, and allows nothing by it; the function finds out when it is refused. Asked are
policy_sentry's copy of AWS's own table of actions, and parliament for statements that are no statements.
"""

import functools
import json
import re
import warnings

from policy_sentry.shared.iam_data import get_service_prefix_data

from . import expansion
from .model import listed

with warnings.catch_warnings():
    # parliament finds its files by pkg_resources, which says on each import that it is old.
    warnings.simplefilter("ignore")
    import parliament

# Actions that the pinned policy_sentry does not know yet, each with the page of AWS's that has it. None today.
NEWER = {}
# What parliament says and others decide: which wildcards there may be, privileges.py; what the roles look like that SAM makes, SAM.
DECIDED_ELSEWHERE, OF_SAM = {"RESOURCE_STAR"}, {"NO_VERSION"}
POLICIES = {"AWS::IAM::Role", "AWS::IAM::ManagedPolicy", "AWS::SQS::QueuePolicy"}
TRUST = "AssumeRolePolicyDocument"


def documents(template):
    """(where, policy as IAM gets it) of every form that a policy takes over all combinations, each once."""
    seen = set()
    for stack, name, resource in expansion.each_form(template, POLICIES):
        properties = stack.resolved(resource["Properties"])
        own = [properties[key] for key in ("PolicyDocument", TRUST) if key in properties]
        for document in [*own, *(policy["PolicyDocument"] for policy in properties.get("Policies", []))]:
            document = written_out(stack, document)
            if (key := (name, json.dumps(document, sort_keys=True))) not in seen:
                seen.add(key)
                yield name, document


def written_out(stack, value):
    """The same with names and ARNs in place of references."""
    if isinstance(value, dict):
        if len(value) == 1 and next(iter(value)) in ("Ref", "Fn::GetAtt", "Fn::Sub", "Fn::Join", "Fn::Select", "Fn::Split"):
            return stack.text(value)
        return {key: written_out(stack, part) for key, part in value.items()}
    return [written_out(stack, part) for part in value] if isinstance(value, list) else value


def table(action):
    """AWS's entry of an action; None when there is none."""
    prefix, _, name = action.partition(":")
    return get_service_prefix_data(prefix).get("privileges", {}).get(name)


def kinds(action):
    """Kind of resource → whether it must be allowed, and the form of its ARN. Empty for an action that knows no resource."""
    resources = get_service_prefix_data(action.partition(":")[0])["resources"]
    found = {kind: entry["required"] for kind, entry in table(action)["resource_types"].items() if kind}
    return {kind: (required, re.sub(r"\$\{[^}]*\}", "*", resources[kind]["arn"])) for kind, required in found.items()}


@functools.cache
def is_of(kind, form, resource):
    return len(resource.split(":")) >= 6 and parliament.is_arn_match(kind, form, resource)


def statements(template):
    for where, document in documents(template):
        for statement in document["Statement"]:
            yield where, statement, listed(statement["Action"]), listed(statement.get("Resource", []))


def every_action_exists(template):
    for where, _, actions, _ in statements(template):
        for action in actions:
            if not table(action) and action not in NEWER:
                yield f"{where} allows {action}, which is no action of AWS"
    for action in NEWER:
        if table(action):
            yield f"{action} is known by now; take it out of actions.NEWER"


def every_action_takes_its_resource(template):
    for where, _, actions, resources in statements(template):
        for action in [action for action in actions if table(action)]:
            forms = kinds(action)
            for resource in resources:
                if resource != "*" and not any(is_of(kind, form, resource) for kind, (_, form) in forms.items()):
                    takes = " or ".join(sorted(form for _, form in forms.values())) or "no resource, so * only"
                    yield f"{where} allows {action} on {resource}; it takes {takes}"


def every_action_has_all_its_resources(template):
    """Some need two kinds at once, and are refused when one of them is not allowed."""
    for where, document in documents(template):
        allowed = {}
        for statement in document["Statement"]:
            for action in listed(statement["Action"]) if statement["Effect"] == "Allow" else []:
                allowed.setdefault(action, set()).update(listed(statement.get("Resource", "*")))
        for action, resources in allowed.items():
            for kind, (required, form) in kinds(action).items() if table(action) else []:
                if required and "*" not in resources and not any(is_of(kind, form, resource) for resource in resources):
                    yield f"{where} allows {action} on no {kind}, and it needs one beside {sorted(resources)}"


def statements_are_well_formed(template):
    for where, document in documents(template):
        if not document["Statement"]:
            yield f"{where} has a policy without any statement in one way to deploy; IAM refuses that"
            continue
        # parliament wants a resource in each, which those that say whose a role is have not.
        if any("Principal" in statement for statement in document["Statement"]):
            continue
        policy = parliament.analyze_policy_string(json.dumps(document), ignore_private_auditors=True)
        allowed = DECIDED_ELSEWHERE if where in template.document["Resources"] else DECIDED_ELSEWHERE | OF_SAM
        for finding in policy.findings:
            if finding.issue not in allowed:
                yield f"{where}: {finding.issue} {finding.detail or ''}".strip()


CHECKS = [
    every_action_exists,
    every_action_takes_its_resource,
    every_action_has_all_its_resources,
    statements_are_well_formed,
]
