"""Rollout: a stage that writes goes out as a canary, and whatever starts it starts the alias, never the code behind it."""

import re
import tomllib

from .model import ROOT

# What takes part in turning a payment into something. Sweeps and the console are the means to fix, not to put at risk.
WRITING = {
    "receive-payment",
    "create-purchase",
    "allocate-trainer",
    "schedule-sessions",
    "create-order-intent",
    "verify-payment",
    "finalize-order",
}


def stages_that_write_go_out_as_canaries(template):
    for name in sorted(WRITING & set(template.functions())):
        function = template.functions()[name]
        preference = function.get("DeploymentPreference", {})
        alarms = [alarm.get("Ref", "") for alarm in preference.get("Alarms", [])]
        if not function.get("AutoPublishAlias") or not str(preference.get("Type", "")).startswith("Canary"):
            yield f"{name} writes, and does not go out as a canary"
        elif not any(template.resources.get(a, {}).get("Type") == "AWS::CloudWatch::Alarm" for a in alarms):
            yield f"{name}: no alarm takes its canary back"
        elif not all(watches_the_new_version(template, function, alarm) for alarm in alarms):
            yield f"{name}: its canary goes back on an alarm that may ring already, of the version that is to be replaced"
        elif preference.get("Enabled") != {"Ref": "Canary"} or not preference.get("PassthroughCondition"):
            yield f"{name}: its canary must hang on the parameter Canary and on the function's own condition"


def watches_the_new_version(template, function, alarm):
    """Whether the errors of the version before, or of a call past the alias, leave this alarm quiet."""
    (logical_id,) = [k for k, v in template.resources.items() if v.get("Properties") is function]
    dims = {pair["Name"]: pair["Value"] for pair in template.resources[alarm]["Properties"].get("Dimensions", [])}
    return dims == {
        "FunctionName": {"Ref": logical_id},
        "Resource": {"Fn::Sub": "${" + logical_id + "}:" + function["AutoPublishAlias"]},
        "ExecutedVersion": {"Fn::GetAtt": [logical_id, "Version.Version"]},
    }


def everything_starts_the_alias(template):
    for name, resource in template.resources.items():
        properties = resource.get("Properties", {})
        starts = {
            "AWS::Lambda::EventSourceMapping": "FunctionName",
            "AWS::Lambda::Permission": "FunctionName",
            "AWS::ApiGatewayV2::Integration": "IntegrationUri",
        }.get(resource["Type"])
        if not starts:
            continue
        started = re.search(r"(\w+Function)(\.Alias)?", str(properties[starts]))
        function = template.name_of(started[1])
        if "AutoPublishAlias" in template.functions()[function] and not started[2]:
            yield f"{name} starts {function} past its alias"


def an_alias_takes_changed_parameters_over(template):
    """SAM compares code and literals, not what a parameter holds; without this an alias would keep an old URL or secret."""
    release = {"Ref": "Release"}
    for name, function in template.functions().items():
        if "AutoPublishAlias" not in function:
            continue
        if function.get("VersionDescription") != release or function["Environment"]["Variables"].get("RELEASE") != release:
            yield f"{name}: its alias would keep the old values of parameters; it needs Release in its variables and its version's description"


def the_way_past_a_canary_is_written_down(_template):
    if "`Canary=false`" not in (ROOT / "docs/deploy.md").read_text():
        yield "docs/deploy.md does not say how a fix goes out while a canary would be taken back"


def production_has_alarms_and_canaries(_template):
    production = tomllib.loads((ROOT / "samconfig.toml").read_text())["prod"]["deploy"]["parameters"]["parameter_overrides"]
    for wanted in {"Alarms=yes", "Canary=true"} - set(production.split()):
        yield f"samconfig.toml: prod must say {wanted}"


CHECKS = [
    production_has_alarms_and_canaries,
    the_way_past_a_canary_is_written_down,
    stages_that_write_go_out_as_canaries,
    everything_starts_the_alias,
    an_alias_takes_changed_parameters_over,
]
