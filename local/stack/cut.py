"""template.yaml without the pipeline that is not chosen, for `sam build`, which builds every function that it finds.

    cut.py course|shop FILE     writes the cut template to FILE

What is cut is what can never be made with this choice: resources and outputs whose conditions can't hold, and the branches that can
never be taken. The parameter Pipelines takes no other value any more. Run with SAM's Python; tests/contract/template/cut.py holds it to
its word.
"""

import pathlib
import sys

from samcli.yamlhelper import yaml_dump, yaml_parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
PARAMETER = "Pipelines"


def decide(document, choice, rule):
    """Whether this holds with the choice, whatever else is given; nothing where that is open."""
    ((function, argument),) = rule.items()
    if function == "Condition":
        return decide(document, choice, document["Conditions"][argument])
    if function == "Fn::Equals":
        values = [choice if part == {"Ref": PARAMETER} else part for part in argument]
        return None if any(isinstance(value, dict) for value in values) else values[0] == values[1]
    if function not in ("Fn::Not", "Fn::And", "Fn::Or"):
        return None
    parts = [decide(document, choice, part) for part in argument]
    if function == "Fn::Not":
        return None if parts[0] is None else not parts[0]
    # One part that is false ends an And, one that is true an Or.
    ends = function == "Fn::Or"
    if ends in parts:
        return ends
    return None if None in parts else not ends


def cut(document, choice):
    """The document with this choice alone."""
    known = {name: decide(document, choice, rule) for name, rule in document["Conditions"].items()}

    def taken(value):
        if isinstance(value, list):
            return [taken(part) for part in value]
        if not isinstance(value, dict):
            return value
        if "Fn::If" in value and known[value["Fn::If"][0]] is not None:
            condition, then, otherwise = value["Fn::If"]
            return taken(then if known[condition] else otherwise)
        return {key: taken(part) for key, part in value.items()}

    left = dict(document)
    for section in ("Resources", "Outputs"):
        there = {name: part for name, part in document[section].items() if known.get(part.get("Condition")) is not False}
        left[section] = {name: taken(part) for name, part in there.items()}
    left["Parameters"] = {**document["Parameters"], PARAMETER: {**document["Parameters"][PARAMETER], "AllowedValues": [choice], "Default": choice}}
    return left


def main():
    choice, file = sys.argv[1:]
    document = yaml_parse((ROOT / "template.yaml").read_text())
    choices = [value for value in document["Parameters"][PARAMETER]["AllowedValues"] if value != "both"]
    if choice not in choices:
        sys.exit(f"PIPELINES is {choice!r}, it must be {' or '.join(choices)}; without it both are built")
    pathlib.Path(file).write_text(yaml_dump(cut(document, choice)))


if __name__ == "__main__":
    main()
