"""A person's first deployment: sam deploy --guided through a terminal, every question answered once, to the change set.

Run by make check with SAM's Python in the environment of env.sh. It starts a local AWS of its own, on a free port, and deploys
nothing: what the functions are made of is an empty file, and the last question is answered with no.
"""

import os
import pathlib
import pty
import re
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAM = pathlib.Path(os.environ["SAM_VENV"]) / "bin" / "sam"
MINISTACK = pathlib.Path(os.environ["MINISTACK_VENV"]) / "bin" / "ministack"
SECRET = "arn:aws:secretsmanager:us-east-1:000000000000:secret:"
# What docs/deploy.md has a person type. To every other question the answer is the Enter key alone.
TYPED = {
    "Stack Name": "makegood-first",
    "AWS Region": "us-east-1",
    "Pipelines": "course",
    "AdminServiceUrl": "https://admin.example.com",
    "RazorpayWebhookSecretArn": SECRET + "webhook-AbCdEf",
    "ConfirmationSecretArn": SECRET + "confirmation-AbCdEf",
    "Confirm changes before deploy": "y",
    "Deploy this changeset?": "n",
}
# These are asked without showing what is typed, and take no empty answer.
HIDDEN = "-"
LAST = "Deploy this changeset?"
# What a line that waits for an answer ends with: a default in brackets, or nothing.
QUESTION = re.compile(r"(?:Parameter )?([A-Z][^\n\[\]:]*?)(?: \[[^\n]*\])?: $")
COLORS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
SECONDS_A_STEP = 120
# Kinds of resources that the local AWS does not know, and for which it refuses the whole change set.
UNKNOWN = ["AWS::EC2::SecurityGroupIngress", "AWS::ElastiCache::ServerlessCache", "AWS::RDS::DBProxyTargetGroup", "AWS::RDS::DBProxy"]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Aws:
    """A local AWS that ends with the test."""

    def __init__(self, folder):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        own = {"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder), "BIND_HOST": "127.0.0.1", "MINISTACK_HOST": "127.0.0.1"}
        own |= {"GATEWAY_PORT": str(self.port), "IOT_MTLS_ENABLED": "0", "AWS_EC2_METADATA_DISABLED": "true", "MINISTACK_REGION": "us-east-1"}
        self.log = (folder / "ministack.log").open("w")
        self.process = subprocess.Popen([MINISTACK], env=own, stdout=self.log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        end = time.monotonic() + SECONDS_A_STEP
        while time.monotonic() < end and self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        raise AssertionError(f"the local AWS did not start: {(folder / 'ministack.log').read_text()[-2000:]}")

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()


class Terminal:
    """A program that asks, and a person who answers."""

    def __init__(self, command, environment, folder):
        self.main, other = pty.openpty()
        self.process = subprocess.Popen(command, stdin=other, stdout=other, stderr=other, cwd=folder, env=environment, start_new_session=True)
        os.close(other)
        self.shown = self.waiting = ""

    def read(self):
        """What is shown until the program waits for an answer; nothing once it has ended."""
        end = time.monotonic() + SECONDS_A_STEP
        while time.monotonic() < end:
            ready, _, _ = select.select([self.main], [], [], 0.1)
            if ready:
                try:
                    part = os.read(self.main, 65536)
                except OSError:
                    return None
                text = COLORS.sub("", part.decode(errors="replace"))
                self.shown += text
                self.waiting += text
            elif question := QUESTION.search(self.waiting):
                self.waiting = ""
                return question[1].strip()
        raise AssertionError(f"no question and no end for {SECONDS_A_STEP} s after:\n{self.shown[-2000:]}")

    def type(self, answer):
        os.write(self.main, answer.encode() + b"\n")

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.main)


class FirstDeployment(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="guided-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        (cls.folder / "code").mkdir()
        (cls.folder / "code" / "bootstrap").write_text("")
        text = (ROOT / "template.yaml").read_text()
        cls.hidden = set(re.findall(r"^  (\w+):\n    Type: String\n    NoEcho: true", text, re.MULTILINE))
        cls.parameters = set(re.findall(r"^  (\w+):$", text.split("\nParameters:\n")[1].split("\nRules:\n")[0], re.MULTILINE))
        copy = text.replace("    CodeUri: .\n", "    CodeUri: code\n")
        for kind in UNKNOWN:
            copy = re.sub(rf"Type: {kind}$", "Type: Custom::" + kind.replace("::", ""), copy, flags=re.MULTILINE)
        (cls.folder / "template.yaml").write_text(copy)
        cls.aws = Aws(cls.folder)
        cls.addClassCleanup(cls.aws.stop)

    def setUp(self):
        # What the last one answered would be this one's defaults.
        (self.folder / "samconfig.toml").unlink(missing_ok=True)

    def deploy(self, typed):
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "TERM": "dumb", "LANG": "C.UTF-8", "AWS_ENDPOINT_URL": self.aws.url}
        environment |= {"AWS_ACCESS_KEY_ID": "000000000000", "AWS_SECRET_ACCESS_KEY": "local", "AWS_EC2_METADATA_DISABLED": "true"}
        environment |= {"SAM_CLI_TELEMETRY": "0", "SAM_CLI_POLL_DELAY": "0.3", "AWS_DEFAULT_REGION": "us-east-1"}
        terminal = Terminal([SAM, "deploy", "--guided"], environment, self.folder)
        self.addCleanup(terminal.stop)
        asked = []
        while question := terminal.read():
            self.assertNotIn(question, asked, f"{question} is asked again; the questions never end:\n{terminal.shown[-1500:]}")
            asked.append(question)
            terminal.type(typed.get(question, HIDDEN if question in self.hidden else ""))
        return asked, terminal.shown

    def test_every_question_can_be_answered_and_the_change_set_is_there(self):
        asked, shown = self.deploy(TYPED)
        self.assertEqual(self.parameters - set(asked), set(), "not every parameter was asked for")
        self.assertIn(LAST, asked, shown[-3000:])
        self.assertIn("AWS::RDS::DBCluster", shown)

    def test_what_is_missing_is_said_before_anything_is_made(self):
        asked, shown = self.deploy({**TYPED, "ConfirmationSecretArn": ""})
        self.assertNotIn(LAST, asked)
        self.assertIn("ConfirmationSecretArn", shown.split("Failed to create")[-1])


if __name__ == "__main__":
    if not MINISTACK.exists():
        sys.exit("local/stack/install.sh first: the local AWS is missing")
    unittest.main()
