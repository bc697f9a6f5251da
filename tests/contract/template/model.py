"""template.yaml as the checks see it: resources by kind, and the few ways in which they point at each other."""

import pathlib
import re

from samcli.yamlhelper import yaml_parse

ROOT = pathlib.Path(__file__).resolve().parents[3]


def load():
    """The template of this repository, parsed."""
    return Template(yaml_parse((ROOT / "template.yaml").read_text()))


NOTHING = {"Ref": "AWS::NoValue"}


def with_all(value, mappings, scale):
    """The value where every condition gives what it has to give: of an Fn::If, the first branch that is something. At this scale."""
    if isinstance(value, dict):
        if "Fn::If" in value:
            return with_all(next((branch for branch in value["Fn::If"][1:] if branch != NOTHING), NOTHING), mappings, scale)
        if "Fn::FindInMap" in value and value["Fn::FindInMap"][1] == {"Ref": "Scale"}:
            name, _, key = value["Fn::FindInMap"]
            return mappings[name][scale][key]
        return {key: with_all(inner, mappings, scale) for key, inner in value.items()}
    if isinstance(value, list):
        return [inner for inner in (with_all(part, mappings, scale) for part in value) if inner != NOTHING]
    return value


class Template:
    """The resources by kind, and the few ways in which they point at each other. At full scale, unless another one is asked for."""

    def __init__(self, document, scale="full"):
        self.document = document
        self.scale = scale
        self.mappings = document.get("Mappings", {})
        self.resources = with_all(document["Resources"], self.mappings, scale)
        self.metadata = document.get("Metadata", {})

    def scales(self):
        """The template at each value of the parameter Scale."""
        return [Template(self.document, scale) for scale in self.document["Parameters"]["Scale"]["AllowedValues"]]

    def of(self, kind):
        return {k: v["Properties"] for k, v in self.resources.items() if v["Type"] == kind}

    def functions(self):
        kind = "AWS::Serverless::Function"
        return {v["Metadata"]["BuildProperties"]["Binary"]: v["Properties"] for v in self.resources.values() if v["Type"] == kind}

    def name_of(self, logical_id):
        """The function behind its logical id, or behind its alias (`<id>.Alias`)."""
        return self.resources[logical_id.removesuffix(".Alias")]["Metadata"]["BuildProperties"]["Binary"]

    def mappings_of(self, function):
        """The event source mappings that start this function."""
        every = self.of("AWS::Lambda::EventSourceMapping").values()
        return [m for m in every if self.name_of(m["FunctionName"]["Ref"]) == function]

    def role(self, function):
        return self.resources[function["Role"]["Fn::GetAtt"][0]]["Properties"]

    def statements(self, function):
        """What the role of this function grants by itself, without the policies that functions share."""
        for policy in self.role(function)["Policies"]:
            yield from policy["PolicyDocument"]["Statement"]


def listed(value):
    return value if isinstance(value, list) else [value]


def queues_in(value):
    """The logical ids in a QUEUE_URL: a !Ref or a !Sub of several."""
    if "Ref" in value:
        return {value["Ref"]}
    return set(re.findall(r"\$\{(\w+)\}", value["Fn::Sub"]))


def target(arn):
    return arn["Fn::GetAtt"][0] if isinstance(arn, dict) and "Fn::GetAtt" in arn else None
