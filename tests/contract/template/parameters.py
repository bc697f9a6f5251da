"""Parameters: a person can type them, and the template says what each is; and everything that reads them is run."""

import tomllib

from .model import ROOT

# How code reads it, the variable, and its parameter.
CALENDAR = [
    ("business_timezone", "BUSINESS_TIMEZONE", "BusinessTimezone"),
    ("business_weekdays", "BUSINESS_WEEKDAYS", "BusinessWeekdays"),
    ("clash_rules", "TRAINER_SESSIONS", "TrainerSessions"),
    ("clash_rules", "ALTERNATIVE_SLOTS", "AlternativeSlots"),
]


def hidden_parameters_can_be_left_out(template):
    """sam deploy --guided takes no empty answer for one with NoEcho (docs/decisions/0045)."""
    for name, parameter in template.document["Parameters"].items():
        if parameter.get("NoEcho") and (parameter.get("Default"), parameter.get("MinLength")) != ("-", 1):
            yield f"{name} is asked for ever by sam deploy --guided; its default must be - and an empty one refused"


def the_calendar_is_handed_to_all_that_look_at_it(template):
    """What a function's own code reads is what it is given: the same parameter for all, and nothing that it does not read."""
    for name, function in template.functions().items():
        code = "\n".join(path.read_text() for path in sorted((ROOT / "functions" / name / "src").rglob("*.rs")))
        for method, variable, parameter in CALENDAR:
            given = function.get("Environment", {}).get("Variables", {}).get(variable)
            expected = {"Ref": parameter} if f".{method}()" in code else None
            if given != expected:
                yield f"{name}: {variable} must be {f'the parameter {parameter}' if expected else 'left out'}"


def both_validations_are_run(_template):
    """sam validate --lint runs cfn-lint in place of SAM's own validation, and cfn-lint reads SAM's resources unexpanded."""
    recipe = (ROOT / "Makefile").read_text().split("\ncheck:")[1].split("\n\n")[0]
    for command in ["validate\n", "validate --lint\n", "tests/contract/expanded_check.py"]:
        if command not in recipe:
            yield f"make check does not run {command.strip()}"
    if "validate" in tomllib.loads((ROOT / "samconfig.toml").read_text()).get("default", {}):
        yield "samconfig.toml turns sam validate into sam validate --lint"


CHECKS = [both_validations_are_run, hidden_parameters_can_be_left_out, the_calendar_is_handed_to_all_that_look_at_it]
