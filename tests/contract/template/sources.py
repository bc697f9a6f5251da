"""The Rust sources as the checks see them: which metrics the code can emit, and which AWS calls it can make.

A reader of the language's outer shape only: comments and test modules are taken out, string literals stay.
"""

import functools
import re
from dataclasses import dataclass

from .model import ROOT

COMMENT_OR_STRING = re.compile(
    r"""//[^\n]*|/\*.*?\*/|r(\#*)".*?"\1|'(?:\\.|[^\\'])'|"(?:\\.|[^"\\])*\"""", re.DOTALL
)
EMISSION = re.compile(r"metrics::(counter|gauge|histogram)!\s*\(\s*(?:\"(\w+)\"|([^\s,)]+))((?:[^()]|\([^()]*\))*)\)")
LABEL = re.compile(r'"(\w+)"\s*=>\s*(?:"(\w+)")?')
# Operations of the AWS SDK's clients that the code uses. One that is not listed here is found by `unknown_clients`.
OPERATIONS = {
    "send_message": "sqs:SendMessage",
    "send_message_batch": "sqs:SendMessage",
    "change_message_visibility": "sqs:ChangeMessageVisibility",
    "change_message_visibility_batch": "sqs:ChangeMessageVisibility",
    "receive_message": "sqs:ReceiveMessage",
    "delete_message": "sqs:DeleteMessage",
    "get_queue_attributes": "sqs:GetQueueAttributes",
    "get_secret_value": "secretsmanager:GetSecretValue",
    "invoke": "lambda:InvokeFunction",
}
# The producer is librdkafka's, not an AWS client.
PRODUCER = re.compile(r"\bFutureProducer\b|\bThreadedProducer\b|\bBaseProducer\b")
CALL = re.compile(r"\.(" + "|".join(OPERATIONS) + r")\(\)")
CLIENT = re.compile(r"\baws_sdk_(\w+)\b")
KNOWN_CLIENTS = {"sqs", "secretsmanager", "lambda"}


@dataclass(frozen=True)
class Metric:
    """One place that emits a metric: counter, gauge or histogram, its name, the crate's folder, the labels that become dimensions."""

    kind: str
    name: str
    folder: str
    labels: frozenset


def without_comments(text):
    return COMMENT_OR_STRING.sub(lambda match: "" if match[0].startswith("/") else match[0], text)


def without_tests(text):
    """`#[cfg(test)]` modules stand at a file's end."""
    return re.split(r"#\[cfg\(test\)\]\s*mod ", text)[0]


@functools.cache
def rust_files():
    """Every source file that is part of a deployed binary: path from the root → code."""
    paths = [*ROOT.glob("shared/*/src/**/*.rs"), *ROOT.glob("functions/*/src/**/*.rs")]
    return {path.relative_to(ROOT).as_posix(): without_tests(without_comments(path.read_text())) for path in sorted(paths)}


def folder_of(path):
    return path.split("/")[1] if path.startswith("functions/") else "shared"


def metrics_in(files):
    """Every emission, and a sentence for each that can't be read."""
    found, problems = set(), []
    for path, code in files.items():
        if re.search(r"\buse metrics\b", code):
            problems.append(f"{path}: write metrics::counter!(…) in full, so that what is emitted can be read")
        for kind, name, other, rest in EMISSION.findall(code):
            if other:
                problems.append(f"{path}: a metric's name must be a literal, not {other}")
                continue
            labels = frozenset(LABEL.findall(rest))
            found.add(Metric(kind, name, folder_of(path), labels))
    return found, problems


def calls_in(code):
    """The actions that this code asks of AWS."""
    producing = {"kafka-cluster:WriteData"} if PRODUCER.search(code) else set()
    return {OPERATIONS[name] for name in CALL.findall(code)} | producing


def unlimited_clients(files):
    """Clients of AWS that are made elsewhere than where all of them get their limits."""
    for path, code in files.items():
        if path.startswith("shared/makegood/src/limits/"):
            continue
        for _ in re.findall(r"\baws_sdk_\w+::Client::new\(|\bClient::new\(\s*&?aws\b|\baws_config::(?:load|defaults|from_env)", code):
            yield f"{path} makes a client of AWS by itself: it would wait for ever; take it from limits"


def unknown_clients(files):
    """Clients of the AWS SDK whose operations `OPERATIONS` does not know."""
    for path, code in files.items():
        for client in set(CLIENT.findall(code)) - KNOWN_CLIENTS:
            yield f"{path} uses aws_sdk_{client}; name its operations in tests/contract/template/sources.py"


def code_of(function):
    """All of a function's own code as one text."""
    return "\n".join(code for path, code in rust_files().items() if path.startswith(f"functions/{function}/"))
