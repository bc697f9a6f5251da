"""What deploy.sh has left for the checks that deploy a stack of their own: its package, its parameters, and SAM as it runs it."""

import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(os.environ["MAKEGOOD_ROOT"])
STATE = pathlib.Path(os.environ["MAKEGOOD_STATE"])
# The template whose functions' packages are in the local S3.
PACKAGED = STATE / "packaged.yaml"
# What those were made from.
BUILD = STATE / "sam" / "build"
SAM = pathlib.Path(os.environ["SAM_VENV"]) / "bin" / "sam"


def parameters():
    return dict(line.split("=", 1) for line in (STATE / "parameters").read_text().splitlines())


def packages():
    """(bucket, key) of each function's package."""
    return set(re.findall(r"s3://([\w.-]+)/(\w+)", PACKAGED.read_text()))


def sam(command, *arguments, environment=os.environ):
    """Its output only matters when it fails."""
    config = ["--config-file", str(ROOT / "samconfig.toml"), "--config-env", "local"]
    environment = {**environment, "SAM_CLI_TELEMETRY": "0", "SAM_CLI_POLL_DELAY": "0.3"}
    done = subprocess.run([SAM, command, *config, *arguments], env=environment, text=True, capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"sam {command} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")


def deploy(stack, template, given, environment=os.environ):
    values = [f"{name}={value}" for name, value in given.items()]
    sam("deploy", "--stack-name", stack, "--template-file", str(template), "--parameter-overrides", *values, environment=environment)
