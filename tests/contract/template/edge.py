"""edge.yaml: CloudFront and a firewall before the API. It changes nothing of what the API says, and is in front of all of it.

Its checks take template.yaml as all others do, for the routes and functions behind it, and edge.yaml beside it.
"""

import re

from samcli.yamlhelper import yaml_parse

from . import throttles
from .model import ROOT

# AWS's own policies.
CACHING_DISABLED, ALL_VIEWER = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "216adef6-5c7f-47e4-b989-5492eafa07d3"
# A provider sends from a few addresses what all buyers have paid.
OF_SENDERS = {"/payments/webhooks/razorpay", "/payments/webhooks/stripe", "/payments/confirmations"}


def load_edge():
    return yaml_parse((ROOT / "edge.yaml").read_text())


def of(edge, kind):
    return {name: r["Properties"] for name, r in edge["Resources"].items() if r["Type"] == kind}


def distribution(edge):
    (found,) = of(edge, "AWS::CloudFront::Distribution").values()
    return found["DistributionConfig"]


def it_stands_before_the_api_under_its_name(template, edge=None):
    edge = edge or load_edge()
    config = distribution(edge)
    behaviour, (origin,) = config["DefaultCacheBehavior"], config["Origins"]
    if config["Aliases"] != [{"Ref": "DomainName"}] or behaviour["OriginRequestPolicyId"] != ALL_VIEWER:
        yield "the distribution must have the API's name and pass Host on: the API answers under that name only, and the console makes its addresses of it"
    if origin["DomainName"] != {"Ref": "ApiDomainTarget"} or origin["CustomOriginConfig"]["OriginProtocolPolicy"] != "https-only":
        yield "the distribution must ask the API's target over TLS"
    if behaviour["CachePolicyId"] != CACHING_DISABLED or config.get("CacheBehaviors"):
        yield "the distribution must keep no answer: they are one person's"
    missing = {key.split()[0] for key in throttles.routes(template)} - set(behaviour["AllowedMethods"])
    if missing:
        yield f"the distribution refuses {sorted(missing)}, which routes of the API have"
    if behaviour["ViewerProtocolPolicy"] != "https-only" or config["ViewerCertificate"]["MinimumProtocolVersion"] != "TLSv1.2_2021":
        yield "the distribution must speak TLS 1.2 or newer"
    waits = origin["CustomOriginConfig"]["OriginReadTimeout"]
    for key, (_, function) in throttles.routes(template).items():
        if template.functions()[function]["Timeout"] > waits:
            yield f"the distribution waits {waits} s, and {function} behind {key} may take longer"
    own, given = (document["Parameters"]["DomainName"]["AllowedPattern"] for document in (edge, template.document))
    if given != f"^$|{own}":
        yield "DomainName takes other names in edge.yaml than in template.yaml"


def everything_passes_the_firewall(template, edge=None):
    edge = edge or load_edge()
    ((name, firewall),) = of(edge, "AWS::WAFv2::WebACL").items()
    if distribution(edge).get("WebACLId") != {"Fn::GetAtt": [name, "Arn"]} or firewall["Scope"] != "CLOUDFRONT":
        yield "the distribution has no firewall"
    paths = {key.split()[1] for key in throttles.routes(template)}
    for path in sorted(OF_SENDERS - paths):
        yield f"{path} is a path of payment senders and no route"
    for path in sorted(paths):
        limits = [str(rule["Statement"]["RateBasedStatement"]["Limit"]) for rule in firewall["Rules"] if "Block" in rule["Action"] and takes(rule, path)]
        wanted = "RequestsPerSender" if path in OF_SENDERS else "RequestsPerAddress"
        if limits != [str({"Ref": wanted})]:
            yield f"{path} is held by {limits or 'no limit'} for each address; it must be {wanted}"


def takes(rule, path):
    """Whether a rule counts this path."""
    scope = rule["Statement"]["RateBasedStatement"].get("ScopeDownStatement", {})
    inner = scope.get("NotStatement", {}).get("Statement", scope)
    if not inner:
        return True
    return bool(re.search(inner["RegexMatchStatement"]["RegexString"], path)) is not ("NotStatement" in scope)


def the_page_says_what_to_give(_template, edge=None):
    """Behind CloudFront each buyer has CloudFront's address, and a limit of an address would hold for all."""
    page = (ROOT / "docs/deploy.md").read_text()
    wanted = ["DefaultEndpoint=no", "VerifyRequestsPerMinute=0", "CheckoutAddressIntents=0", "CheckoutAddressPieces=0"]
    for word in wanted + [name for name, p in (edge or load_edge())["Parameters"].items() if "Default" not in p]:
        if word not in page:
            yield f"docs/deploy.md does not name {word} where it says how to put CloudFront before the API"


CHECKS = [it_stands_before_the_api_under_its_name, everything_passes_the_firewall, the_page_says_what_to_give]
