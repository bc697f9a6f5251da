"""cfn-lint over what CloudFormation gets: edge.yaml, and template.yaml expanded by SAM's own translator, conditions decided, for each way to deploy.

cfn-lint reads SAM's resources unexpanded and finds little in them. Run by make check with SAM's Python. It asks AWS nothing.
"""

import copy
import json
import logging
import os
import sys
import unittest

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

from cfnlint.api import lint  # noqa: E402
from cfnlint.config import ManualArgs  # noqa: E402
from samtranslator.translator.transform import transform  # noqa: E402
from template.edge import load_edge  # noqa: E402
from template.model import load  # noqa: E402
from template.modes import DOMAIN, EXTRAS, FULL, GIVEN, SCHOOL, ZONE, Deployment  # noqa: E402

# It says after each transformation that it sent nothing home, which nobody asked for.
logging.getLogger("samtranslator").setLevel(logging.ERROR)
REGION = "us-east-1"
CODE = "s3://bucket/key"
ALL = EXTRAS["a shop"] | EXTRAS["MSK"] | EXTRAS["endpoints"] | EXTRAS["a console"]
# What people deploy: each parameter that makes or leaves out resources, both ways.
DEPLOYED = {
    "a school in an account of ten": SCHOOL | {"ReserveConcurrency": "no", "Architecture": "x86_64"},
    "everything there is": SCHOOL | ALL | FULL | DOMAIN | ZONE
    | {"Canary": "true", "AlarmEmail": "a@example.com", "ProtectDatabase": "yes", "ZoneA": "us-east-1a", "ZoneB": "us-east-1b"},
    "a given cluster, and a shop": SCHOOL | GIVEN | EXTRAS["a shop"] | DOMAIN | {"DefaultEndpoint": "no"}
    | {"DatabaseClusterId": "shared", "DatabaseSecurityGroupId": "sg-1", "VpcSecurityGroupIds": ["sg-2"], "AlarmTopicArn": "arn:t"},
}  # fmt: skip
# What is there for another way to deploy: parameters and mappings that this one does not use.
UNUSED = {"W2001", "W7001"}


def real(value):
    """The short names of the other checks, in the form in which AWS has them."""
    if isinstance(value, list):
        return ",".join(map(real, value))
    kind, _, rest = value.partition("-")
    if kind in ("vpc", "subnet", "sg"):
        return f"{kind}-0123456789abcdef{rest}"
    if value == "arn:t":
        return f"arn:aws:sns:{REGION}:123456789012:alarms"
    if value.startswith("arn:") and len(value) == 5:
        return f"arn:aws:secretsmanager:{REGION}:123456789012:secret:{value[4]}-AbCdEf"
    return value.replace("arn:aws:kafka:r:a:", f"arn:aws:kafka:{REGION}:123456789012:")


class NoManagedPolicies:
    """Roles here name no policy of AWS's own, so there is nothing to look up."""

    def load(self):
        return {}


def expanded(document, given):
    """The plain template of CloudFormation's, with these parameters as its defaults."""
    document = copy.deepcopy(document)
    document["Globals"]["Function"]["CodeUri"] = CODE
    for name, value in given.items():
        document["Parameters"][name]["Default"] = value
    return transform(document, given, NoManagedPolicies())


def decided(document, given):
    """Without the resources that are not made, and without the branches that are not taken."""
    stack = Deployment(document, given)

    def taken(value):
        if isinstance(value, list):
            return [part for part in map(taken, value) if part != {"Ref": "AWS::NoValue"}]
        if not isinstance(value, dict):
            return value
        if "Fn::If" in value:
            condition, then, otherwise = value["Fn::If"]
            return taken(then if stack.holds(condition) else otherwise)
        inner = {key: taken(part) for key, part in value.items()}
        return {key: part for key, part in inner.items() if part != {"Ref": "AWS::NoValue"}}

    kept = {name: taken({k: v for k, v in r.items() if k != "Condition"}) for name, r in stack.resources.items()}
    outputs = {name: taken({k: v for k, v in o.items() if k != "Condition"}) for name, o in document["Outputs"].items() if stack.holds(o.get("Condition"))}
    without = {key: part for key, part in document.items() if key not in ("Conditions", "Rules")}
    return {**without, "Resources": kept, "Outputs": outputs}


def complaints(template):
    for match in lint(json.dumps(template), config=ManualArgs(regions=[REGION])):
        if match.rule.id not in UNUSED:
            yield f"{match.rule.id} {'/'.join(map(str, match.path or []))}: {match.message}"


class Expanded(unittest.TestCase):
    def assert_sound(self, template):
        self.assertEqual("\n".join(complaints(template)), "")

    def test_each_way_to_deploy(self):
        for way, short in DEPLOYED.items():
            given = {name: real(value) for name, value in short.items()}
            with self.subTest(way):
                self.assert_sound(decided(expanded(load().document, given), given))

    def test_what_may_stand_before_the_api(self):
        """edge.yaml is no template of SAM's, so that nothing is expanded."""
        self.assert_sound(load_edge())

    def test_a_fault_that_sam_hides_is_found(self):
        function = {"Runtime": "provided.al2023", "Handler": "bootstrap", "CodeUri": CODE, "EphemeralStorage": {"Size": 100}}
        template = {"Transform": "AWS::Serverless-2016-10-31", "Resources": {"Broken": {"Type": "AWS::Serverless::Function", "Properties": function}}}
        said = "\n".join(complaints(transform(template, {}, NoManagedPolicies())))
        self.assertIn("Resources/Broken/Properties/EphemeralStorage", said)


if __name__ == "__main__":
    sys.exit(unittest.main())
