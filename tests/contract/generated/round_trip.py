"""Reads every sample into generated classes and writes it again: nothing that we read may be lost on the way.

    round_trip.py FOLDER [GO_OUTPUT]

FOLDER is what generate.mjs wrote, with the classes of datamodel-code-generator in FOLDER/pydantic.
"""

import importlib
import json
import pathlib
import sys

folder = pathlib.Path(sys.argv[1])
sys.path[:0] = [str(folder)]


def without_nulls(value):
    """A null and nothing are the same to every reader of ours."""
    if isinstance(value, dict):
        return {name: without_nulls(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [without_nulls(inner) for inner in value]
    return value


def days(value):
    """quicktype's Python reads `format: date` as a date-time, and writes it as one. Only events that Makegood alone sends have such a
    field, so nothing of ours ever reads what it writes."""
    if isinstance(value, dict):
        return {name: days(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [days(inner) for inner in value]
    return value.removesuffix("T00:00:00") if isinstance(value, str) else value


def compare(tool, topic, samples, back):
    assert len(samples) == len(back) > 0, f"{tool}: {topic}: {len(samples)} samples, {len(back)} came back"
    for sample, came in zip(samples, back):
        assert without_nulls(came) == without_nulls(sample), f"{tool}: {topic}\n  sent {sample}\n  back {came}"


def title(topic):
    return "".join(word.capitalize() for word in topic.split("-"))


def pydantic(topic, samples):
    model = getattr(importlib.import_module(f"pydantic_models.{topic.replace('-', '_')}"), title(topic))
    read = (model.model_validate_json(json.dumps(sample)) for sample in samples)
    return [json.loads(event.model_dump_json(by_alias=True, exclude_unset=True)) for event in read]


def quicktype(topic, samples):
    name = topic.replace("-", "_")
    module = importlib.import_module(f"quicktype.{name}")
    read, write = getattr(module, f"{name}_from_dict"), getattr(module, f"{name}_to_dict")
    return [days(json.loads(json.dumps(write(read(sample))))) for sample in samples]


topics = {path.stem: json.loads(path.read_text()) for path in sorted((folder / "samples").glob("*.json"))}
assert topics, "nothing was generated"
for topic, samples in topics.items():
    compare("datamodel-code-generator", topic, samples, pydantic(topic, samples))
    compare("quicktype (Python)", topic, samples, quicktype(topic, samples))
tools = "datamodel-code-generator, quicktype (Python)"
if len(sys.argv) > 2:
    lines = [line.split("\t", 1) for line in pathlib.Path(sys.argv[2]).read_text().splitlines()]
    for topic, samples in topics.items():
        compare("quicktype (Go)", topic, samples, [json.loads(text) for name, text in lines if name == topic])
    tools += ", quicktype (Go)"
print(f"  round trip through {tools}: {sum(map(len, topics.values()))} events")
