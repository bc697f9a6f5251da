"""The connection budget: what all functions at their most can take from the database stays under what it lends, at each scale."""

import functools

DEFAULT_POOL = 2
# An account starts with 1,000 and keeps 100 of them for functions without a reservation.
RESERVABLE = 900


def shares(template):
    return template.metadata["ConnectionBudget"][template.scale]


def at_every_scale(check):
    @functools.wraps(check)
    def checked(template):
        for at in template.scales():
            yield from (f"with Scale {at.scale}, {problem}" for problem in check(at))

    return checked


def limit(template):
    """How many connections to the database the proxy may hold."""
    database = template.mappings["Limits"][template.scale]
    return database["MaxConnections"] * database["ProxyPercent"] // 100


def pool_of(function):
    """The connections of one environment; 0 for a function that has no database."""
    variables = function.get("Environment", {}).get("Variables", {})
    if "DATABASE_URL" not in variables:
        return 0
    return int(variables.get("DATABASE_POOL_SIZE", DEFAULT_POOL))


def takes(template):
    """What each function takes from the proxy at its most. migrate connects to the database itself."""
    functions = {name: f for name, f in template.functions().items() if name != "migrate"}
    return {name: f.get("ReservedConcurrentExecutions", 0) * pool_of(f) for name, f in functions.items()}


@at_every_scale
def every_function_has_a_ceiling(template):
    """Whatever starts it: a schedule, a request, a queue or a topic, whose pollers know no MaximumConcurrency."""
    for name, function in template.functions().items():
        if not isinstance(function.get("ReservedConcurrentExecutions"), int):
            yield f"{name} has no ReservedConcurrentExecutions, so nothing bounds the connections it takes"


@at_every_scale
def queues_never_ask_for_more_than_the_ceiling(template):
    """Pollers that are throttled use up receives, and a message's receives are its attempts."""
    for name, function in template.functions().items():
        asked = sum(m["ScalingConfig"]["MaximumConcurrency"] for m in template.mappings_of(name) if "ScalingConfig" in m)
        if asked > function.get("ReservedConcurrentExecutions", asked):
            yield f"{name}: its queues ask for {asked} at once, its ReservedConcurrentExecutions is lower"


@at_every_scale
def every_function_keeps_to_its_share(template):
    each = takes(template)
    for name, share in shares(template).items():
        if name not in each:
            yield f"{name} has a share of the connections and is no function"
        elif each[name] > share:
            yield f"{name} can take {each[name]} connections, its share is {share}"
    for name in sorted(set(each) - set(shares(template))):
        if each[name]:
            yield f"{name} can take {each[name]} connections and has no share in Metadata.ConnectionBudget"


@at_every_scale
def a_share_is_no_larger_than_what_is_taken(template):
    """Room that is not taken is missing elsewhere, and docs/scale.md would show it."""
    each = takes(template)
    for name, share in shares(template).items():
        if each.get(name, share) < share:
            yield f"{name} has a share of {share} and can take only {each[name]}"


@at_every_scale
def the_shares_fit_the_proxy(template):
    total, most = sum(shares(template).values()), limit(template)
    if total > most:
        yield f"the shares add up to {total} connections, the proxy lends {most}"


@at_every_scale
def all_functions_together_fit_the_account(template):
    total = sum(f.get("ReservedConcurrentExecutions", 0) for f in template.functions().values())
    if total > RESERVABLE:
        yield f"{total} executions are reserved; an account of 1,000 lets {RESERVABLE} be reserved"


CHECKS = [
    every_function_has_a_ceiling,
    queues_never_ask_for_more_than_the_ceiling,
    every_function_keeps_to_its_share,
    a_share_is_no_larger_than_what_is_taken,
    the_shares_fit_the_proxy,
    all_functions_together_fit_the_account,
]
