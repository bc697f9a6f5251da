"""The database that the stack makes: a version that is kept up, and a proxy that lets it rest."""

import importlib.resources
import json
import re

from .modes import FULL, SCHOOL, Deployment

# What an ordinary day takes of the connections, and what would keep the database from going down to its least.
FEW, MANY = 76, 100


def versions():
    """The versions of Aurora PostgreSQL that the pinned cfn-lint knows, as pairs of numbers."""
    folder = importlib.resources.files("cfnlint.data.schemas.extensions.aws_rds_dbcluster")
    found = engine_versions(json.loads((folder / "engine_version.json").read_text()))
    return sorted(tuple(map(int, version.split("."))) for version in found if re.fullmatch(r"\d+\.\d+", version))


def engine_versions(schema):
    for rule in schema["allOf"]:
        if rule["if"]["properties"]["Engine"].get("const") == "aurora-postgresql":
            yield from rule["then"]["properties"]["EngineVersion"]["enum"]


def the_version_is_kept_up(template):
    """The newest minor version of its major one that cfn-lint knows, so that a newer cfn-lint asks for a newer default."""
    default = template.document["Parameters"]["DatabaseVersion"]["Default"]
    major = int(default.split(".")[0])
    newest = max(version for version in versions() if version[0] == major)
    if default != ".".join(map(str, newest)):
        yield f"DatabaseVersion is {default} by default; the newest of its major version is {'.'.join(map(str, newest))}"


def settings_are_those_of_the_version(template):
    for version in ["16.13", "17.9", "18.3"]:
        stack = Deployment(template.document, SCHOOL | {"DatabaseVersion": version})
        for name, cluster in stack.of("AWS::RDS::DBCluster").items():
            if cluster["EngineVersion"] != version:
                yield f"{name} is made with {cluster['EngineVersion']} in place of {version}"
        for name, settings in stack.of("AWS::RDS::DBClusterParameterGroup").items():
            if "DatabaseVersion" not in str(settings["Family"]) and version not in str(settings["Family"]):
                yield f"{name} is of the family {settings['Family']} in place of that of {version}"


def the_proxy_lets_the_database_rest(template):
    stack = Deployment(template.document, SCHOOL | FULL)
    for name, group in stack.of("AWS::RDS::DBProxyTargetGroup").items():
        percent = group["ConnectionPoolConfigurationInfo"]["MaxIdleConnectionsPercent"]
        kept = template.mappings["Limits"]["full"]["MaxConnections"] * percent // 100
        if not FEW <= kept <= MANY:
            yield f"{name} keeps {kept} connections that are not used; {FEW} to {MANY} are enough for an ordinary day and let the database rest"


CHECKS = [the_version_is_kept_up, settings_are_those_of_the_version, the_proxy_lets_the_database_rest]
