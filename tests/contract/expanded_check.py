"""cfn-lint over what CloudFormation gets: edge.yaml, and template.yaml expanded by SAM's own translator, conditions decided, for a few ways to deploy.

cfn-lint reads SAM's resources unexpanded and finds little in them. It takes seconds for each way; what can be asked of every combination
is in template/graph.py, actions.py and variables.py. Run by make check with SAM's Python. It asks AWS nothing.
"""

import json
import sys
import unittest
from itertools import zip_longest

from cfnlint.api import lint
from cfnlint.config import ManualArgs
from samtranslator.translator.transform import transform
from template.edge import load_edge
from template.expansion import CODE, MAIN, READ_BY_SAM, REGION, NoManagedPolicies, combinations, decided, expanded, in_full
from template.model import load
from template.modes import DOMAIN, EXTRAS, FULL, GIVEN, SCHOOL, SHOP, ZONE, Deployment

ALL = EXTRAS["a shop"] | EXTRAS["MSK"] | EXTRAS["endpoints"] | EXTRAS["a console"]
# What people deploy: each parameter that makes or leaves out resources, both ways.
DEPLOYED = {
    "a school in an account of ten": SCHOOL | {"ReserveConcurrency": "no", "Architecture": "x86_64"},
    "a shop without a school": SHOP | EXTRAS["MSK"] | EXTRAS["a console"] | {"Canary": "true"},
    "everything there is": SCHOOL | ALL | FULL | DOMAIN | ZONE
    | {"Canary": "true", "AlarmEmail": "a@example.com", "ProtectDatabase": "yes", "ZoneA": "us-east-1a", "ZoneB": "us-east-1b"},
    "a given cluster, and a shop": SCHOOL | GIVEN | EXTRAS["a shop"] | DOMAIN | {"DefaultEndpoint": "no"}
    | {"DatabaseClusterId": "shared", "DatabaseSecurityGroupId": "sg-1", "VpcSecurityGroupIds": ["sg-2"], "AlarmTopicArn": "arn:t"},
}  # fmt: skip
# What is there for another way to deploy: parameters and mappings that this one does not use.
UNUSED = {"W2001", "W7001"}


def complaints(template):
    for match in lint(json.dumps(template), config=ManualArgs(regions=[REGION])):
        if match.rule.id not in UNUSED:
            yield f"{match.rule.id} {'/'.join(map(str, match.path or []))}: {match.message}"


class Expanded(unittest.TestCase):
    def assert_sound(self, template):
        self.assertEqual("\n".join(complaints(template)), "")

    def test_each_way_to_deploy(self):
        for way, short in DEPLOYED.items():
            given = in_full(short)
            with self.subTest(way):
                self.assert_sound(decided(expanded(load().document, given), given))

    def test_sam_makes_the_same_of_it_whatever_else_is_given(self):
        """The checks of every combination expand the template once for each value of this parameter."""
        document = load().document
        resources = expanded(document, in_full(SCHOOL))["Resources"]
        for ways in zip_longest(*(parts.values() for parts in MAIN.values()), fillvalue={}):
            given = {name: value for short in ways for name, value in short.items() if name != READ_BY_SAM}
            with self.subTest(given):
                self.assertEqual(expanded(document, in_full(SCHOOL | given))["Resources"], resources)

    def test_every_combination_is_one_that_the_template_takes(self):
        document = load().document
        refused = {" / ".join(ways): reasons for ways, given in combinations() if (reasons := list(Deployment(document, given).refusals()))}
        self.assertEqual(refused, {})

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
