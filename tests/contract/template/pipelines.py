"""Pipelines: what is not chosen is not made, not told to anybody, and not asked for.

Each function, parameter, route and sweep belongs to the course pipeline, to the shop's, or to both. Asked is the template as SAM expands
it, for each choice: no resource of the other pipeline, and nothing in those of both that speaks of it.
"""

import functools
import json
import re
from itertools import product

from . import budget, expansion, metrics, reads, throttles
from .modes import EXTRAS, SCHOOL, SHOP, Deployment

CHOICES = {"course": SCHOOL, "shop": SHOP, "both": EXTRAS["a shop"] | {k: v for k, v in SCHOOL.items() if k != "Pipelines"}}
# The way of expansion.MAIN that gives each choice has its name.
OTHER = {"course": "shop", "shop": "course"}
FUNCTIONS = {
    "course": {"receive-payment", "create-purchase", "allocate-trainer", "schedule-sessions", "top-up-sessions", "invalidate-cache"},
    "shop": {"create-order-intent", "verify-payment", "finalize-order", "order-status"},
    "both": {"sweep", "admin", "console-login", "park-dead-letters", "migrate"},
}
ROUTES = {
    "course": {"/payments/webhooks/razorpay", "/payments/confirmations"},
    "shop": {"/order-intents", "/payments/verify", "/orders/status"},
}
SWEEPS = {"course": set(), "shop": {"stale-jobs", "reservations"}}
# Parameters that one pipeline alone reads, and whether it can't do without: "needed", or one of two.
PARAMETERS = {
    "course": {
        "AdminServiceUrl": "needed", "RazorpayWebhookSecretArn": "needed", "RazorpayWebhookSecret": "text", "ConfirmationSecretArn": "needed",
        "ConfirmationSecret": "text", "StripeWebhookSecretArn": "", "StripeWebhookSecret": "",
        "RazorpayApiSecretArn": "", "RazorpayApiSecret": "", "RazorpayBaseUrl": "", "TrustWebhookNotes": "",
        "StripeApiSecretArn": "", "StripeApiSecret": "", "StripeBaseUrl": "",
        "BusinessWeekdays": "", "TrainerSessions": "", "AlternativeSlots": "", "SecondPayment": "", "PartialRefund": "", "RedisUrl": "", "RedisUrlSecretArn": "",
    },
    "shop": {
        "JwtIssuer": "needed", "JwtAudience": "needed", "EsewaBaseUrl": "needed", "EsewaProductCode": "needed", "EsewaSecretArn": "needed",
        "EsewaSecret": "text", "KhaltiBaseUrl": "needed", "KhaltiSecretArn": "needed", "KhaltiSecret": "text", "PaymentReturnUrl": "needed",
        "ShopOrigins": "", "EsewaStatusBaseUrl": "", "EsewaLinkMinutes": "", "RefundQuestionDays": "", "CheckoutBuyerIntents": "",
        "AbandonedCheckoutDays": "", "ClosedOrderAddressDays": "", "GatewayResponseDays": "",
        "CheckoutBuyerPieces": "", "CheckoutAddressIntents": "", "CheckoutAddressPieces": "", "PriceGraceMinutes": "",
        "VerifyRequestsPerMinute": "", "StatusRequestsPerMinute": "",
    },
}  # fmt: skip
# What no parameter, function, topic, route or sweep is called, and a pipeline's part of what both have is known by.
WORDS = {
    "course": {"razorpay", "rediss://", "6379", "AWS::ElastiCache::", "REDIS_URL", "ADMIN_SERVICE_URL", "BUSINESS_WEEKDAYS", "AllocationsPending"},
    "shop": {"-jobs", "JOBS_QUEUE_URL", "ESEWA_", "KHALTI_", "PAYMENT_RETURN_URL", '"JWT"', "ReservationsLocked", "OrdersConfirmed"},
}
# Topics without queues of their own (template_check.SHARES_QUEUES).
SHARE_QUEUES = {"purchase-ended", "sessions-rescheduled", "order-refunded"}
PLOTTED = {"course": '"Pipeline", "course"', "shop": '"Pipeline", "order"'}


def parameters_of_absent(choice):
    """The parameters of the pipeline that is not chosen, which wait for it."""
    return set(PARAMETERS[OTHER[choice]]) if choice in OTHER else set()


def topics_of(pipeline):
    """Those that the sweep publishes when this one is all that there is."""
    return reads.published("sweep", {"PIPELINES": pipeline})


def of_a_pipeline(pipeline):
    """Every word by which this pipeline is known in a resource."""
    named = {f"-{name}" for name in FUNCTIONS[pipeline]} | ROUTES[pipeline] | WORDS[pipeline] | {PLOTTED[pipeline]}
    named |= {f'"sweep":"{name}"' for name in SWEEPS[pipeline]}
    for topic in topics_of(pipeline):
        named |= {f"topic/${{Cluster}}/{topic}", f"QUEUE_URL_{topic.upper().replace('-', '_')}"}
    # Some topics go to the queues of another.
    return named | {f"-{topic}" for topic in topics_of(pipeline) - SHARE_QUEUES}


@functools.lru_cache(maxsize=4)
def made(template, choice):
    """(a stack, logical id → the resource as it is made and its text) of a few ways in which this choice is deployed, all extras among them."""
    found = []
    extras = [EXTRAS["MSK"], EXTRAS["a console"], {"Scale": "full"}, {"Canary": "true"}]
    for given in [{}, functools.reduce(dict.__or__, extras), EXTRAS["a console"] | {"Alarms": "no"}, {"MskClusterArn": EXTRAS["MSK"]["MskClusterArn"]}]:
        given = expansion.in_full(CHOICES[choice] | given)
        stack = Deployment(expansion.plain_templates(template)[given.get(expansion.READ_BY_SAM, "false")], given)
        found.append((stack, {name: text_of(stack, resource) for name, resource in stack.resources.items()}))
    return found


def text_of(stack, resource):
    """All that is sent of a resource, and the names of what it points at, which are theirs in words with dashes."""
    dashed = lambda name: re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()
    resolved = stack.resolved({key: part for key, part in resource.items() if key in ("Type", "Properties")})
    pointed = [dashed("-" + name) for name in stack.references(resource.get("Properties", {})) if name in stack.document["Resources"]]
    return " ".join([json.dumps(resolved).replace('\\"', '"'), *pointed])


def every_function_has_its_place(template):
    """So that a new one is not forgotten: whoever adds one says whose it is."""
    known = set().union(*FUNCTIONS.values())
    for name in sorted(set(template.functions()) ^ known):
        yield f"{name} is in the template or in pipelines.FUNCTIONS, and not in both; say whose it is"
    for choice in CHOICES:
        for stack, _ in made(template, choice):
            there = {binary for binary, function in template.functions().items() if makes(stack, template, function)}
            wanted = FUNCTIONS["both"] | set().union(*(FUNCTIONS[p] for p in OTHER if choice in (p, "both")))
            for name in sorted(there ^ wanted - (set() if stack.holds("HasConsole") else {"admin", "console-login"})):
                yield f"with Pipelines={choice} {name} is {'made' if name in there else 'not made'}"


def makes(stack, template, function):
    return any(name in stack.resources for name, resource in template.resources.items() if resource.get("Properties") is function)


def nothing_of_the_other_is_made(template):
    """By what is left when it goes: a resource of its own, or a word of it in what both have."""
    for choice, other in OTHER.items():
        for (stack, mine), (_, all_of_it) in zip(made(template, choice), made(template, "both")):
            for name in sorted(set(mine) - set(all_of_it)):
                yield f"{name} is made with Pipelines={choice} and not with both"
            for name, text in mine.items():
                said = sorted(word for word in of_a_pipeline(other) if word in text)
                if said:
                    yield f"with Pipelines={choice} {name} is made and speaks of the {other}: {', '.join(said)}"
            for name in sorted(set(stack.references(list(stack.resources.values()))) & set(PARAMETERS[other])):
                yield f"with Pipelines={choice} {name} is used, and is a parameter of the {other}"


def nothing_of_its_own_is_missing(template):
    """Together the two have all that both has, and each keeps what it is known by."""
    for (_, course), (_, shop), (_, both) in zip(*(made(template, choice) for choice in CHOICES)):
        for name in sorted(set(both) - set(course) - set(shop)):
            yield f"{name} is made with Pipelines=both alone"
        for name in sorted(set(course) & set(shop)):
            if any(word in name for word in ["Shop", "Order", "Purchase", "Trainer"]):
                yield f"{name} has the name of one pipeline and is made with each"
    (_, course), (_, shop) = made(template, "course")[1], made(template, "shop")[1]
    for pipeline, text in {"course": " ".join(course.values()), "shop": " ".join(shop.values())}.items():
        for word in sorted(of_a_pipeline(pipeline)):
            if word not in text:
                yield f"nothing of Pipelines={pipeline} has {word}; take it out of pipelines.py"


def every_parameter_has_its_place(template):
    """What one choice alone uses is in the list, so that the checks above and the combinations know whose it is."""
    used = {choice: {name for stack, _ in made(template, choice) for name in stack.references(list(stack.resources.values()))} for choice in OTHER}
    for choice, other in OTHER.items():
        for name in sorted((used[choice] - used[other]) & set(template.document["Parameters"]) - set(PARAMETERS[choice])):
            yield f"{name} is used with Pipelines={choice} alone; say so in pipelines.PARAMETERS"
    for name in sorted(set(PARAMETERS["course"] | PARAMETERS["shop"]) - set(template.document["Parameters"])):
        yield f"{name} is in pipelines.PARAMETERS, and no parameter"


def outputs_are_of_what_is_made(template):
    for choice, other in OTHER.items():
        for stack, _ in made(template, choice):
            for name, output in stack.document["Outputs"].items():
                if stack.holds(output.get("Condition")):
                    for reference in set(stack.references(output)) - set(stack.resources) - set(stack.parameters):
                        if not reference.startswith("AWS::") and reference.split(".")[0] not in stack.resources:
                            yield f"with Pipelines={choice} the output {name} points at {reference}"


def what_is_not_chosen_is_not_asked_for(template):
    """Each choice is complete with its own parameters, and each that it needs is named when it is missing, with the way to do without."""
    for choice, given in CHOICES.items():
        yield from (f"Pipelines={choice} with all that it needs is refused: {reason}" for reason in Deployment(template.document, given).refusals())
    for choice, other in OTHER.items():
        needed = [name for name, kind in PARAMETERS[choice].items() if kind == "needed"]
        for name, start in product(needed, [choice, "both"]):
            reasons = list(Deployment(template.document, CHOICES[start] | {name: ""}).refusals())
            if not any(f" needs {name}" in reason and f"Pipelines={other}" in reason for reason in reasons):
                yield f"with Pipelines={start} and without {name} no reason names both it and Pipelines={other}: {reasons}"
        for name, parameter in template.document["Parameters"].items():
            if name in PARAMETERS[choice] and "Default" not in parameter:
                yield f"{name} has no default, so that a {other} alone is asked for it"


def what_is_given_for_the_other_waits(template):
    """sam deploy keeps what a stack was given: whoever takes a pipeline out is not asked to take its parameters back."""
    for choice, other in OTHER.items():
        given = {**CHOICES[other], **CHOICES[choice]}
        yield from (f"Pipelines={choice} is refused for what is given for the {other}: {reason}" for reason in Deployment(template.document, given).refusals())
        half = {**CHOICES[choice], next(name for name, kind in PARAMETERS[other].items() if kind == "needed"): "https://a.example.com"}
        yield from (f"Pipelines={choice} is refused for half of a {other}: {reason}" for reason in Deployment(template.document, half).refusals())


def the_stage_knows_its_routes(template):
    """API Gateway refuses settings of a route that is not there, in a stack that is half made by then."""
    for choice in CHOICES:
        for stack, _ in made(template, choice):
            routes = {route["RouteKey"] for route in stack.of("AWS::ApiGatewayV2::Route").values()}
            (stage,) = stack.of("AWS::ApiGatewayV2::Stage").values()
            for key in sorted(routes ^ set(stage["RouteSettings"])):
                yield f"with Pipelines={choice} {key} is {'a route without settings' if key in routes else 'no route and has settings'}"


def the_dashboard_can_be_read(template):
    """Without a pipeline as well: what is left is JSON, and each plot has something to show."""
    for choice in CHOICES:
        for stack, _ in made(template, choice):
            for name, board in stack.of("AWS::CloudWatch::Dashboard").items():
                try:
                    widgets = json.loads(metrics.written_out(board["DashboardBody"]))["widgets"]
                except ValueError as error:
                    yield f"with Pipelines={choice} {name} is no JSON: {error}"
                    continue
                yield from (f"with Pipelines={choice} {w['properties']['title']!r} shows nothing" for w in widgets if not w["properties"].get("metrics"))


def each_choice_keeps_to_the_budget(template):
    """Of connections, of executions, and of what its routes let in: a part never takes what the whole does not have."""
    for at in template.scales():
        pools = {name: budget.pool_of(function) for name, function in at.functions().items()}
        for choice, given in CHOICES.items():
            stack = Deployment(template.document, given | EXTRAS["a console"] | {"Scale": at.scale})
            reserved = {resource["Metadata"]["BuildProperties"]["Binary"]: stack.resolved(resource["Properties"])["ReservedConcurrentExecutions"]
                        for resource in stack.resources.values() if resource["Type"] == "AWS::Serverless::Function"}  # fmt: skip
            connections = sum(count * pools[name] for name, count in reserved.items() if name != "migrate")
            if connections > budget.limit(at):
                yield f"with Scale {at.scale} and Pipelines={choice} the functions take {connections} connections, {budget.limit(at)} are lent"
            if sum(reserved.values()) > budget.RESERVABLE:
                yield f"with Scale {at.scale} and Pipelines={choice} {sum(reserved.values())} executions are reserved"
            (stage,) = stack.of("AWS::ApiGatewayV2::Stage").values()
            let_in = {}
            for key, (_, function) in throttles.routes(at).items():
                burst = stage["RouteSettings"].get(key, {}).get("ThrottlingBurstLimit", 0)
                let_in[function] = let_in.get(function, 0) + burst * throttles.LASTS_MS.get(function, 0) / 1000
            for name, held in let_in.items():
                if held > reserved.get(name, 0):
                    yield f"with Scale {at.scale} and Pipelines={choice} the routes of {name} hold {held:.1f} executions, {reserved.get(name, 0)} are reserved"


CHECKS = [
    every_function_has_its_place,
    nothing_of_the_other_is_made,
    nothing_of_its_own_is_missing,
    every_parameter_has_its_place,
    outputs_are_of_what_is_made,
    what_is_not_chosen_is_not_asked_for,
    what_is_given_for_the_other_waits,
    the_stage_knows_its_routes,
    the_dashboard_can_be_read,
    each_choice_keeps_to_the_budget,
]
