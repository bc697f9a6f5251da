"""What `make build PIPELINES=…` gives `sam build`: the functions of that choice alone, and else the same stack."""

import functools
import importlib.util
import json

from . import expansion, pipelines
from .modes import EXTRAS, Deployment
from .model import ROOT


@functools.cache
def script():
    """local/stack/cut.py, which stands where it is used."""
    spec = importlib.util.spec_from_file_location("cut", ROOT / "local" / "stack" / "cut.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def ways(choice):
    """A few deployments of a choice: with nothing more, and with all that there is."""
    given = pipelines.CHOICES[choice]
    yield given
    yield given | EXTRAS["a console"] | EXTRAS["MSK"] | {"Scale": "full", "Canary": "true", "AlarmEmail": "a@example.com"}


def only_the_functions_of_the_choice_are_built(template):
    for choice in pipelines.OTHER:
        left = script().cut(template.document, choice)
        built = {r["Metadata"]["BuildProperties"]["Binary"] for r in left["Resources"].values() if r["Type"] == "AWS::Serverless::Function"}
        for name in sorted(built ^ (pipelines.FUNCTIONS[choice] | pipelines.FUNCTIONS["both"])):
            yield f"make build PIPELINES={choice} {'builds' if name in built else 'does not build'} {name}"


def nothing_points_at_what_was_cut(template):
    """CloudFormation refuses that, in a branch that is never taken as well."""
    for choice in pipelines.OTHER:
        left = script().cut(template.document, choice)
        known = set(left["Resources"]) | set(left["Parameters"])
        for name, part in {**left["Resources"], **left["Outputs"]}.items():
            for reference in sorted(set(everything(part)) - known):
                yield f"with PIPELINES={choice} {name} points at {reference}, which was cut"


def everything(value):
    """What this part points at, in every branch."""
    stack = Deployment({"Parameters": {}, "Conditions": {}}, {})
    yield from (name.split(".")[0] for name in stack.references(branches(value)) if not name.startswith("AWS::"))


def branches(value):
    """The same with each Fn::If as a list of its two branches."""
    if isinstance(value, list):
        return [branches(part) for part in value]
    if not isinstance(value, dict):
        return value
    if "Fn::If" in value:
        return {"Either": [branches(part) for part in value["Fn::If"][1:]]}
    return {key: branches(part) for key, part in value.items()}


def what_is_deployed_is_the_same(template):
    """Resource by resource, whether the template was cut or not; and the cut one takes no other choice."""
    for choice in pipelines.OTHER:
        left = script().cut(template.document, choice)
        if (left["Parameters"]["Pipelines"]["AllowedValues"], left["Parameters"]["Pipelines"]["Default"]) != ([choice], choice):
            yield f"with PIPELINES={choice} the template takes another choice"
        for given in map(expansion.in_full, ways(choice)):
            cut, whole = (Deployment(document, given) for document in (left, template.document))
            for name in sorted(set(cut.resources) ^ set(whole.resources)):
                yield f"with PIPELINES={choice} {name} is {'made' if name in cut.resources else 'not made'}"
            for name in set(cut.resources) & set(whole.resources):
                forms = [json.dumps(stack.resolved(stack.resources[name].get("Properties", {})), sort_keys=True) for stack in (cut, whole)]
                if forms[0] != forms[1]:
                    yield f"with PIPELINES={choice} {name} is another"


CHECKS = [only_the_functions_of_the_choice_are_built, nothing_points_at_what_was_cut, what_is_deployed_is_the_same]
