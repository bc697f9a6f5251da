"""The connection budget: what all functions at their most can take from the proxy stays under what it lends."""

DEFAULT_POOL = 2
# An account starts with 1,000 and keeps 100 of them for functions without a reservation.
RESERVABLE = 900


def limit(template):
    """How many connections to the database the proxy may hold."""
    database = template.mappings["Limits"]["Database"]
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


def every_function_has_a_ceiling(template):
    """Whatever starts it: a schedule, a request, a queue or a topic, whose pollers know no MaximumConcurrency."""
    for name, function in template.functions().items():
        if not isinstance(function.get("ReservedConcurrentExecutions"), int):
            yield f"{name} has no ReservedConcurrentExecutions, so nothing bounds the connections it takes"


def queues_never_ask_for_more_than_the_ceiling(template):
    """Pollers that are throttled use up receives, and a message's receives are its attempts."""
    for name, function in template.functions().items():
        asked = sum(m["ScalingConfig"]["MaximumConcurrency"] for m in template.mappings_of(name) if "ScalingConfig" in m)
        if asked > function.get("ReservedConcurrentExecutions", asked):
            yield f"{name}: its queues ask for {asked} at once, its ReservedConcurrentExecutions is lower"


def every_function_keeps_to_its_share(template):
    shares = template.metadata["ConnectionBudget"]
    each = takes(template)
    for name, share in shares.items():
        if name not in each:
            yield f"{name} has a share of the connections and is no function"
        elif each[name] > share:
            yield f"{name} can take {each[name]} connections, its share is {share}"
    for name in sorted(set(each) - set(shares)):
        if each[name]:
            yield f"{name} can take {each[name]} connections and has no share in Metadata.ConnectionBudget"


def the_shares_fit_the_proxy(template):
    total, most = sum(template.metadata["ConnectionBudget"].values()), limit(template)
    if total > most:
        yield f"the shares add up to {total} connections, the proxy lends {most}"


def all_functions_together_fit_the_account(template):
    total = sum(f.get("ReservedConcurrentExecutions", 0) for f in template.functions().values())
    if total > RESERVABLE:
        yield f"{total} executions are reserved; an account of 1,000 lets {RESERVABLE} be reserved"


CHECKS = [
    every_function_has_a_ceiling,
    queues_never_ask_for_more_than_the_ceiling,
    every_function_keeps_to_its_share,
    the_shares_fit_the_proxy,
    all_functions_together_fit_the_account,
]
