"""A stack's whole life on the local AWS: deployed, updated with one changed function, updated with one changed parameter,
deleted; nothing may be left.

Needs deploy.sh, whose package and parameters it takes. Its own stack, so that the running one is not disturbed. Run with
SAM's Python in the environment of env.sh.
"""

import hashlib
import io
import os
import re
import sys
import time
import zipfile

import boto3
from deployed import BUILD, PACKAGED, STATE, deploy, packages, parameters, sam
from samcli.yamlhelper import yaml_parse

STACK = "makegood-lifecycle"
CHANGED = "create-purchase"
# A function with an alias, one of its variables, and the parameter behind it.
TOLD, VARIABLE, PARAMETER = "allocate-trainer", "ADMIN_SERVICE_URL", "AdminServiceUrl"

aws = {name: boto3.client(name, endpoint_url=os.environ["AWS_ENDPOINT_URL"]) for name in ["lambda", "sqs", "s3", "cloudformation", "scheduler"]}


def expect(holds, otherwise):
    if not holds:
        sys.exit(f"✗ {otherwise}")


def functions():
    """Name → digest of its newest code, whatever its alias runs."""
    found = {}
    for page in aws["lambda"].get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            if function["FunctionName"].startswith(STACK):
                found[function["FunctionName"].removeprefix(STACK + "-")] = function["CodeSha256"]
    return found


def live(name):
    """The version behind the alias, its code, and its variables."""
    alias = aws["lambda"].get_alias(FunctionName=f"{STACK}-{name}", Name="live")["FunctionVersion"]
    configuration = aws["lambda"].get_function_configuration(FunctionName=f"{STACK}-{name}", Qualifier=alias)
    return alias, configuration["CodeSha256"], configuration["Environment"]["Variables"]


def answers(name, event):
    """Whether this function starts and answers, through its alias."""
    answer = aws["lambda"].invoke(FunctionName=f"{STACK}-{name}", Qualifier="live", Payload=event)
    expect("FunctionError" not in answer, f"{name} failed: {answer['Payload'].read()}")


def own_package():
    """The last package under keys of its own: `sam delete` deletes a stack's packages with it, and the running one needs its."""
    for bucket, key in packages():
        aws["s3"].copy_object(Bucket=bucket, Key=f"lifecycle/{key}", CopySource={"Bucket": bucket, "Key": key})
    own = STATE / "lifecycle-first.yaml"
    own.write_text(re.sub(r"s3://([\w.-]+)/(\w+)", r"s3://\1/lifecycle/\2", PACKAGED.read_text()))
    return own


def with_a_changed_function(package):
    """The same with one byte more at the end of one binary, which the loader does not look at."""
    packaged = package.read_text()
    resources = yaml_parse(packaged)["Resources"]
    (logical_id,) = [k for k, v in resources.items() if v.get("Properties", {}).get("FunctionName") == {"Fn::Sub": "${AWS::StackName}-" + CHANGED}]
    bucket, old_key = resources[logical_id]["Properties"]["CodeUri"].removeprefix("s3://").split("/", 1)
    code = (BUILD / logical_id / "bootstrap").read_bytes() + b"\n"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        package.writestr(entry, code)
    new_key = "lifecycle/" + hashlib.sha256(code).hexdigest()
    aws["s3"].put_object(Bucket=bucket, Key=new_key, Body=archive.getvalue())
    changed = STATE / "lifecycle.yaml"
    changed.write_text(packaged.replace(f"s3://{bucket}/{old_key}", f"s3://{bucket}/{new_key}"))
    return changed


def stored_packages():
    """Those of the running stack."""
    return {key for bucket, key in packages() if aws["s3"].list_objects_v2(Bucket=bucket, Prefix=key).get("Contents")}


def left_over():
    names = list(functions())
    names += aws["sqs"].list_queues(QueueNamePrefix=STACK).get("QueueUrls", [])
    names += [s["Name"] for s in aws["scheduler"].list_schedules(NamePrefix=STACK)["Schedules"]]
    alive = [s for s in aws["cloudformation"].list_stacks()["StackSummaries"] if s["StackName"] == STACK]
    return names + [s["StackName"] for s in alive if s["StackStatus"] != "DELETE_COMPLETE"]


def main():
    started = time.monotonic()
    package, stored = own_package(), stored_packages()
    deploy(STACK, package, parameters())
    before, (old_version, old_code, _) = functions(), live(CHANGED)
    answers(CHANGED, b'{"Records": []}')
    print(f"· deployed: {len(before)} functions, {time.monotonic() - started:.0f} s")

    changed_package = with_a_changed_function(package)
    deploy(STACK, changed_package, parameters())
    after, (new_version, new_code, _) = functions(), live(CHANGED)
    changed = {name for name in after if after[name] != before.get(name)}
    expect(changed == {CHANGED}, f"an update of {CHANGED} changed {sorted(changed)}")
    expect(new_version != old_version and new_code != old_code, f"the alias still runs version {old_version}")
    answers(CHANGED, b'{"Records": []}')
    print(f"· updated: only {CHANGED} changed, version {old_version} → {new_version}, {time.monotonic() - started:.0f} s")

    url = "http://127.0.0.1:9/another"
    deploy(STACK, changed_package, {**parameters(), "Release": "second", PARAMETER: url})
    version, _, variables = live(TOLD)
    expect(variables[VARIABLE] == url, f"{PARAMETER} has changed, and version {version} behind the alias of {TOLD} has the old value")
    print(f"· updated: the alias of {TOLD} has the changed parameter, {time.monotonic() - started:.0f} s")

    sam("delete", "--stack-name", STACK, "--no-prompts", "--region", os.environ["AWS_REGION"])
    expect(not left_over(), f"left over after the deletion: {left_over()}")
    expect(stored == stored_packages(), "the deletion took packages of the running stack along")
    print(f"· deleted: nothing is left, {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
