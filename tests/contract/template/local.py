"""What is local stays local, and a sandbox's merchant in a sandbox: the functions' list (SETTINGS of shared/makegood/src/config/local.rs), walked.

The functions refuse to start with what the list forbids; the template refuses it before anything is made, as far as it can see.
"""

import re

from .model import ROOT
from .modes import SCHOOL, Deployment

# It begins like this machine, and is another.
ALMOST = "127.0.0.1.example.com"
ROW = re.compile(r'\bof\(\s*"(\w+)",\s*"(\w*)",\s*Kind::(\w+),\s*&\[(.*?)\],?\s*\),', re.DOTALL)
MARK = re.compile(r'Mark::(\w+)\(\s*"([^"]+)"\s*,?\s*\)')
# Addresses of pages for people: no function believes what they answer.
PAGES = {"RunbookUrl"}
LOCAL = SCHOOL | {"DatabaseUrl": "postgres://127.0.0.1:1/a", "DatabaseDirectUrl": "postgres://127.0.0.1:2/b", "RedisUrl": "redis://127.0.0.1:3"}
# By kind: what the parameter's pattern must not take, and what it must.
PATTERNS = {
    "Address": (
        ["http://pay.example.com", "http://127.0.0.1.example.com", "http://127.0.0.1:80@example.com", "https://me:hush@example.com", "example.com"],
        ["https://pay.example.com/api/v2", "http://127.0.0.1:8080/api", "http://localhost:1"],
    ),
    "Database": (
        [
            "postgres://me:hush@example.com/makegood", f"postgres://me:hush@{ALMOST}/m", "postgres://127.0.0.1:1@example.com/m",
            "postgres://127.0.0.1/m?host=db.example.com", "postgres://127.0.0.1/m?sslmode=disable&host=db.example.com", "hush",
        ],
        ["-", "postgres://me:hush@127.0.0.1:5432/makegood", "postgresql://localhost/m?sslmode=disable", "postgres://me@[::1]:1/m"],
    ),
    "Cache": (
        ["rediss://me:hush@example.com:6379", "redis://:hush@10.0.0.1", f"redis://:hush@{ALMOST}", "http://cache.example.com"],
        ["-", "rediss://cache.example.com:6379", "redis://127.0.0.1:6379", "redis://:hush@127.0.0.1:6379/0"],
    ),
}  # fmt: skip


def settings():
    """(parameter, variable, kind, marks) of each row."""
    text = (ROOT / "shared/makegood/src/config/local.rs").read_text().split("pub const SETTINGS")[1].split("];\n")[0]
    text = re.sub(r"//[^\n\"]*\n", "\n", text)
    rows = [(parameter, variable, kind, MARK.findall(marks)) for parameter, variable, kind, marks in ROW.findall(text)]
    if len(rows) != text.count("of("):
        raise AssertionError("a row of SETTINGS is written as no row is read here")
    return rows


def every_parameter_of_its_kind_is_in_the_list(template):
    listed = {parameter for parameter, *_ in settings()}
    for name, parameter in template.document["Parameters"].items():
        is_asked = name.endswith(("Url", "Issuer")) and name not in PAGES
        if (is_asked or parameter.get("NoEcho")) and name not in listed:
            yield f"{name} is an address or a secret, and not in the list"


def every_setting_of_the_list_is_the_templates(template):
    told = {variable for function in template.functions().values() for variable in function.get("Environment", {}).get("Variables", {})}
    for parameter, variable, kind, _ in settings():
        known = {parameter, f"{parameter}Arn"} & set(template.document["Parameters"])
        if not known:
            yield f"{parameter} is in the list, and no parameter"
        if variable and not {variable, f"{variable}_ARN"} & told:
            yield f"{variable} is in the list, and no function is told it"
        if kind == "Secret" and f"{variable}_ARN" not in told:
            yield f"{variable} can't be given by its ARN"


def patterns_keep_what_is_local_here(template):
    for parameter, _, kind, _ in settings():
        refused, taken = PATTERNS.get(kind, ([], []))
        pattern = template.document["Parameters"].get(parameter, {}).get("AllowedPattern", ".*")
        yield from (f"{parameter} must not be {value}" for value in refused if re.fullmatch(pattern, value))
        yield from (f"{parameter} must be able to be {value}" for value in taken if not re.fullmatch(pattern, value))


def reasons(template, given, parameter):
    """Why these are refused, as far as the parameter goes that is looked at."""
    return [reason for reason in Deployment(template.document, given).refusals() if reason.startswith((f"{parameter} ", f"Give {parameter} "))]


def secrets_are_text_beside_a_local_database_only(template):
    for parameter, _, kind, _ in settings():
        if kind != "Secret" or parameter not in template.document["Parameters"]:
            continue
        said = reasons(template, SCHOOL | {f"{parameter}Arn": "", parameter: "hush"}, parameter)
        if not any("Secrets Manager" in reason and f"{parameter}Arn" in reason for reason in said):
            yield f"{parameter} as text is not refused in a deployed stack, with the way out"
        if reasons(template, LOCAL | {f"{parameter}Arn": "", parameter: "hush"}, parameter):
            yield f"{parameter} as text is refused in a local stack"


def sandboxes_stay_in_a_sandbox(template):
    for parameter, _, kind, marks in settings():
        for mark, text in marks:
            # What begins so is a key; rules can't look into one.
            if mark == "Begins":
                continue
            path = "/api/v2" if "khalti" in text else ""
            value = f"https://{text}{path}" if mark == "Host" else text
            if not any("Stage=sandbox" in reason for reason in reasons(template, SCHOOL | {parameter: value}, parameter)):
                yield f"{parameter} may be {value} in a stack that takes real money"
            if reasons(template, SCHOOL | {parameter: value, "Stage": "sandbox"}, parameter):
                yield f"{parameter} may not be {value} in a sandbox"
    for name, function in template.functions().items():
        variables = function.get("Environment", {}).get("Variables", {})
        marked = {variable for _, variable, _, marks in settings() if marks}
        if marked & set(variables) and variables.get("STAGE") != {"Ref": "Stage"}:
            yield f"{name} knows a merchant, and not in which stage"


CHECKS = [
    every_parameter_of_its_kind_is_in_the_list,
    every_setting_of_the_list_is_the_templates,
    patterns_keep_what_is_local_here,
    secrets_are_text_beside_a_local_database_only,
    sandboxes_stay_in_a_sandbox,
]
