"""Throttles: each route has its own, and what the routes of a function let in together, the function can work off.

The account is simple on purpose. A throttle lets its burst in at once, and its rate a second after that. Requests of a burst hold as many
executions as arrive while one of them lasts, so over a second burst times duration. That sum over all routes of a function must stay within what
is reserved for it. Requests that come in the same instant may still be more: Lambda refuses them (503), and their senders ask again.
"""

import re

from . import budget

# How long a request typically takes, in milliseconds. The first three are those of docs/scale/stages.py (a check there compares them).
# order-status answers at once unless an order is being made; then it holds the request for 1.5 s. Assumed: one in ten is held. A page of
# the console was measured with 1 to 50 ms, its authorizer is a second run of the same function: assumed 30 for both.
LASTS_MS = {"receive-payment": 15, "create-order-intent": 310, "verify-payment": 320, "order-status": 150, "admin": 30, "console-login": 30}
# Whose answer costs more than that of others: a gateway is asked for everybody who comes, or operators are kept from logging in.
DEAR = {
    "POST /payments/verify": "asks a gateway for everybody who comes",
    "GET /admin/login": "takes one of few environments for everybody who comes",
    "GET /admin/callback": "takes one of few environments for everybody who comes",
}


def stage(template):
    (found,) = template.of("AWS::ApiGatewayV2::Stage").values()
    return found


def throttles(template):
    """Route key → (requests a second, burst)."""
    settings = stage(template).get("RouteSettings", {})
    return {key: (own.get("ThrottlingRateLimit", 0), own.get("ThrottlingBurstLimit", 0)) for key, own in settings.items()}


def routes(template):
    """Route key → (the route's logical id, the function behind it)."""
    integrations, found = template.of("AWS::ApiGatewayV2::Integration"), {}
    for name, route in template.of("AWS::ApiGatewayV2::Route").items():
        integration = integrations[re.search(r"\$\{(\w+)\}", route["Target"]["Fn::Sub"])[1]]
        function = re.search(r"(\w+Function)", str(integration["IntegrationUri"]))[1]
        found[route["RouteKey"]] = (name, template.name_of(function))
    return found


@budget.at_every_scale
def every_route_has_its_own_throttle(template):
    own, all_others = throttles(template), stage(template)["DefaultRouteSettings"]["ThrottlingRateLimit"]
    for key in sorted(set(routes(template)) - set(own)):
        yield f"{key} has no throttle of its own; a flood on it would use up what others may ask"
    for key in sorted(set(own) - set(routes(template))):
        yield f"{key} has a throttle and is no route; the stage could not be made"
    for key, why in DEAR.items():
        if key in own and own[key][0] >= all_others:
            yield f"{key} {why}; it must be throttled below the {all_others} a second of others"
    for key, (rate, burst) in own.items():
        if not 0 < rate <= burst:
            yield f"{key} has a burst of {burst} and {rate} requests a second; the burst must be the larger one"


@budget.at_every_scale
def a_function_can_work_off_what_its_routes_let_in(template):
    own, functions = throttles(template), template.functions()
    let_in = {}
    for key, (_, function) in routes(template).items():
        let_in[function] = let_in.get(function, 0) + own.get(key, (0, 0))[1]
    for function, burst in let_in.items():
        if function not in LASTS_MS:
            yield f"say in throttles.py how long a request of {function} takes"
            continue
        held, reserved = burst * LASTS_MS[function] / 1000, functions[function].get("ReservedConcurrentExecutions", 0)
        if held > reserved:
            yield f"the routes of {function} let {burst} requests in at once, which hold {held:.1f} executions for a second; {reserved} are reserved"


def strangers_take_no_environment_of_the_pages(template):
    """The routes of the console that need no login have a function of their own."""
    behind, found = routes(template), template.of("AWS::ApiGatewayV2::Route")
    guarded = {function for name, function in behind.values() if found[name].get("AuthorizationType") == "CUSTOM"}
    for key, (name, function) in sorted(behind.items()):
        if function in guarded and found[name].get("AuthorizationType", "NONE") == "NONE":
            yield f"{key} needs no login and takes environments of {function}, which shows the pages"


def the_stage_waits_for_its_routes(template):
    """CloudFormation sees no dependency in a route's key."""
    awaited = set(re.findall(r"\$\{(\w+)\}", str(stage(template)["Description"])))
    for key, (name, _) in routes(template).items():
        if key in throttles(template) and name not in awaited:
            yield f"ApiStage has settings for {key} and does not wait for {name}; name it in its Description"


CHECKS = [
    every_route_has_its_own_throttle,
    a_function_can_work_off_what_its_routes_let_in,
    strangers_take_no_environment_of_the_pages,
    the_stage_waits_for_its_routes,
]
