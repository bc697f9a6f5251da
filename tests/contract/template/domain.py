"""A host name of your own: it leads to the API, the outputs say so, and the address of before stays open until it is closed."""

import re

from .model import target
from .modes import DOMAIN, SCHOOL, ZONE, Deployment

DEFAULT = {"Fn::GetAtt": ["Api", "ApiEndpoint"]}


def stacks(template):
    """(what is given, the stack) without a name, with one, and with one whose record is made here."""
    for given in [{}, DOMAIN, DOMAIN | ZONE]:
        yield ", ".join(given) or "no name", Deployment(template.document, SCHOOL | given)


def outputs(stack):
    return {name: stack.resolved(o["Value"]) for name, o in stack.document["Outputs"].items() if stack.holds(o.get("Condition"))}


def a_name_leads_to_the_api(template):
    for what, stack in stacks(template):
        domains, mappings = stack.of("AWS::ApiGatewayV2::DomainName"), stack.of("AWS::ApiGatewayV2::ApiMapping")
        named = "DomainName" in what
        if len(domains) != named or len(mappings) != named:
            yield f"with {what} there are {len(domains)} names and {len(mappings)} mappings"
        for name, domain in domains.items():
            (own,) = domain["DomainNameConfigurations"]
            if (domain["DomainName"], own["CertificateArn"]) != tuple(DOMAIN.values()):
                yield f"{name} is {domain['DomainName']} with the certificate {own['CertificateArn']}"
            if (own.get("EndpointType"), own.get("SecurityPolicy")) != ("REGIONAL", "TLS_1_2"):
                yield f"{name} must be regional and speak TLS 1.2 or newer"
        for name, mapping in mappings.items():
            if (mapping["ApiId"], mapping["Stage"]) != ({"Ref": "Api"}, {"Ref": "ApiStage"}) or "ApiMappingKey" in mapping:
                yield f"{name} must lead to the stage of the API, and under no path: the functions know theirs"


def the_outputs_say_where_the_api_is(template):
    for what, stack in stacks(template):
        said, named = outputs(stack), "DomainName" in what
        if said["ApiUrl"] != ({"Fn::Sub": "https://${DomainName}"} if named else DEFAULT):
            yield f"with {what} the output ApiUrl is {said['ApiUrl']}"
        to_do = named and "DomainHostedZoneId" not in what
        for output, attribute in {"ApiDomainTarget": "RegionalDomainName", "ApiDomainTargetZone": "RegionalHostedZoneId"}.items():
            if said.get(output) != ({"Fn::GetAtt": ["ApiDomain", attribute]} if to_do else None):
                yield f"with {what} the output {output} is {said.get(output)}; only who makes the record needs it"


def the_record_is_made_where_its_zone_is_given(template):
    for what, stack in stacks(template):
        records = stack.of("AWS::Route53::RecordSet")
        kinds = sorted(record["Type"] for record in records.values())
        if kinds != (["A", "AAAA"] if "DomainHostedZoneId" in what else []):
            yield f"with {what} the records are {kinds}"
        for name, record in records.items():
            alias = record["AliasTarget"]
            if {target(alias["DNSName"]), target(alias["HostedZoneId"])} != {"ApiDomain"} or record["Name"] != DOMAIN["DomainName"]:
                yield f"{name} does not point {DOMAIN['DomainName']} at ApiDomain"
        types = {own.get("IpAddressType") for domain in stack.of("AWS::ApiGatewayV2::DomainName").values() for own in domain["DomainNameConfigurations"]}
        if "AAAA" in kinds and types != {"dualstack"}:
            yield "ApiDomain has no IPv6 address that its AAAA record could give"


def the_old_address_stays_open_until_it_is_closed(template):
    """Whoever gives a stack a name has webhooks and pages at the address of before; the update must not break them."""
    for what, given, closed in [("a name", {}, False), ("DefaultEndpoint=no", {"DefaultEndpoint": "no"}, True)]:
        (api,) = Deployment(template.document, SCHOOL | DOMAIN | given).of("AWS::ApiGatewayV2::Api").values()
        if api.get("DisableExecuteApiEndpoint") is not closed:
            yield f"with {what} DisableExecuteApiEndpoint is {api.get('DisableExecuteApiEndpoint')}"


def a_name_is_a_host_name(template):
    pattern = template.document["Parameters"]["DomainName"]["AllowedPattern"]
    for text, fits in {"": True, "pay.example.com": True, "example.xn--p1ai": True, "https://pay.example.com": False, "*.example.com": False,
                       "Pay.example.com": False, "pay.example.com.": False, "localhost": False, "127.0.0.1": False}.items():  # fmt: skip
        if bool(re.fullmatch(pattern, text)) is not fits:
            yield f"DomainName must {'' if fits else 'not '}be {text!r}"


CHECKS = [
    a_name_leads_to_the_api,
    the_outputs_say_where_the_api_is,
    the_record_is_made_where_its_zone_is_given,
    the_old_address_stays_open_until_it_is_closed,
    a_name_is_a_host_name,
]
