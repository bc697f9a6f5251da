"""What the check of the roles runs in: an AWS that enforces them, and a Postgres whose login is in a secret.

Both have their own ports and end with the check, and so do the stubs. The functions' packages are those of deploy.sh.
"""

import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time
import urllib.parse
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import boto3
from deployed import ROOT, STATE, packages, parameters

STACK = "makegood-iam"
HOME = STATE / "iam"
LOCAL = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug" / "makegood-local"
OWN_POSTGRES = pathlib.Path(os.environ["STACK_DIR"]) / "own_postgres.sh"
LOGIN = {"username": "makegood_app", "password": "of-this-check-alone"}


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(holds, seconds, otherwise):
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            raise SystemExit(f"✗ {otherwise() if callable(otherwise) else otherwise}")
        time.sleep(0.1)


class World(ExitStack):
    """Everything, started; closing it ends everything."""

    def __init__(self):
        super().__init__()
        shutil.rmtree(HOME, ignore_errors=True)
        HOME.mkdir(parents=True)
        names = ["aws", "postgres", "admin-service", "gateways", "identity"]
        self.port = {name: free_port() for name in names}
        self.url = {name: f"http://127.0.0.1:{port}" for name, port in self.port.items()}
        self.decisions = HOME / "decisions.jsonl"
        self.decisions.touch()

    def __enter__(self):
        try:
            self.start_all()
        except BaseException:
            self.close()
            raise
        return self

    def start_all(self):
        self.start_postgres()
        self.start_aws()
        self.environment = self.what_the_stubs_are_told()
        for name in ["admin-service", "gateways", "identity"]:
            self.start(name, [LOCAL, "serve", name], self.environment)
        for name, port in self.port.items():
            wait_until(lambda port=port: answers(port), 30, f"{name} does not answer; see {HOME / name}.log")
        self.bring_packages()

    def bring_packages(self):
        """From the local AWS that deploy.sh packaged into. A function without its package would be answered for by a mock."""
        source, wanted = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"]), packages()
        for bucket in {bucket for bucket, _ in wanted}:
            self.aws["s3"].create_bucket(Bucket=bucket)
        for bucket, key in wanted:
            self.aws["s3"].put_object(Bucket=bucket, Key=key, Body=source.get_object(Bucket=bucket, Key=key)["Body"].read())

    def start(self, name, command, environment):
        """A process of its own group, which ends with this world."""
        log = self.enter_context(open(HOME / f"{name}.log", "ab"))
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.callback(end, process)
        return process

    def start_postgres(self):
        """Empty: bringing the schema is what migrate is for. The login owns the database, as the one that RDS makes."""
        # First what a run left that was killed.
        stop = [OWN_POSTGRES, "stop", STACK]
        subprocess.run(stop, check=True)
        self.callback(subprocess.run, stop, check=False)
        subprocess.run([OWN_POSTGRES, "start", STACK, str(self.port["postgres"]), "empty"], check=True)
        self.sql(
            f"CREATE ROLE {LOGIN['username']} LOGIN PASSWORD '{LOGIN['password']}'; ALTER DATABASE makegood OWNER TO {LOGIN['username']};"
        )

    def authority(self):
        """Who has signed the certificate of this Postgres: itself."""
        return (pathlib.Path(os.environ["MAKEGOOD_STATE"]) / "own-postgres" / STACK / "ca.crt").read_text()

    def start_aws(self):
        environment = {
            **{name: os.environ[name] for name in ["PATH", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]},
            "HOME": str(HOME), "TMPDIR": str(HOME), "LANG": "C.UTF-8", "AWS_EC2_METADATA_DISABLED": "true", "IOT_MTLS_ENABLED": "0",
            "BIND_HOST": "127.0.0.1", "MINISTACK_HOST": "127.0.0.1", "GATEWAY_PORT": str(self.port["aws"]), "AWS_ENDPOINT_URL": self.url["aws"],
            "MINISTACK_REGION": os.environ["AWS_REGION"], "AUTH": "true", "IAM_DECISIONS": str(self.decisions),
        }  # fmt: skip
        python = pathlib.Path(os.environ["MINISTACK_VENV"]) / "bin" / "python"
        self.start("aws", [python, pathlib.Path(__file__).with_name("iam_server.py")], environment)
        kinds = ["cloudformation", "ec2", "iam", "lambda", "s3", "secretsmanager", "sqs"]
        self.aws = {kind: boto3.client(kind, endpoint_url=self.url["aws"]) for kind in kinds}

    def what_the_stubs_are_told(self):
        ports = {f"MAKEGOOD_{name.upper()}_PORT": str(self.port[of]) for name, of in [("admin", "admin-service"), ("gateways", "gateways"), ("identity", "identity")]}
        return {
            **os.environ, **ports, "MAKEGOOD_STATE": str(HOME), "AWS_ENDPOINT_URL": self.url["aws"],
            "MAKEGOOD_LOCAL_DATABASE_DIRECT_URL": self.database_url(),
            "MAKEGOOD_SWEEP_URL": self.serve_sweeps(), "MAKEGOOD_ORDER_CONFIRMED_QUEUE_URL": self.queue_url("order-confirmed"),
        }  # fmt: skip

    def serve_sweeps(self):
        """Where makegood-local runs a sweep: its requests are not signed, and here nothing else answers such."""
        aws = self.aws["lambda"]

        class Sweeps(BaseHTTPRequestHandler):
            def do_POST(self):
                event = self.rfile.read(int(self.headers["content-length"]))
                answer = aws.invoke(FunctionName=f"{STACK}-sweep", Payload=event)
                self.send_response(200)
                if "FunctionError" in answer:
                    self.send_header("x-amz-function-error", answer["FunctionError"])
                self.end_headers()
                self.wfile.write(answer["Payload"].read())

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Sweeps)
        Thread(target=server.serve_forever, daemon=True).start()
        self.callback(server.shutdown)
        return f"http://127.0.0.1:{server.server_port}/"

    def database_url(self):
        return f"postgres://makegood@127.0.0.1:{self.port['postgres']}/makegood"

    def sql(self, text):
        """Runs it as the superuser; the rows' text."""
        psql = [pathlib.Path(os.environ["PG_BIN"]) / "psql", "-XqtA", "-v", "ON_ERROR_STOP=1", self.database_url(), "-c", text]
        return subprocess.run(psql, text=True, capture_output=True, check=True).stdout.strip()

    def queue_url(self, name):
        return f"{self.url['aws']}/{os.environ['AWS_ACCESS_KEY_ID']}/{STACK}-{name}"

    def send(self, queue, body):
        self.aws["sqs"].send_message(QueueUrl=self.queue_url(queue), MessageBody=body if isinstance(body, str) else json.dumps(body))

    def secret(self, name, text):
        return self.aws["secretsmanager"].create_secret(Name=f"{STACK}-{name}", SecretString=text)["ARN"]

    def parameters(self):
        """Those of deploy.sh, with every secret in Secrets Manager, so that each function has to ask for its own."""
        given = parameters()
        subnets = self.aws["ec2"].describe_subnets()["Subnets"][:2]
        secrets = ["RazorpayWebhookSecret", "RazorpayApiSecret", "StripeApiSecret", "ConfirmationSecret", "EsewaSecret", "KhaltiSecret", "ConsoleSecret"]
        changed = {f"{name}Arn": self.secret(name, given.pop(name)) for name in secrets}
        changed["ConsoleClientSecretArn"] = self.secret("ConsoleClientSecret", "unused")
        changed["DatabaseSecretArn"] = self.secret("database", json.dumps({**LOGIN, "ca": self.authority()}))
        changed["DatabaseEndpoint"] = changed["DatabaseProxyEndpoint"] = f"127.0.0.1:{self.port['postgres']}"
        changed["DatabaseName"] = "makegood"
        changed["VpcId"] = subnets[0]["VpcId"]
        changed["VpcSubnetIds"] = ",".join(subnet["SubnetId"] for subnet in subnets)
        changed["AdminServiceUrl"] = self.url["admin-service"]
        changed["JwtIssuer"] = changed["ConsoleIssuer"] = self.url["identity"]
        changed["EsewaBaseUrl"] = self.url["gateways"]
        changed["RazorpayBaseUrl"] = self.url["gateways"]
        changed["StripeBaseUrl"] = f"{self.url['gateways']}/stripe"
        changed["KhaltiBaseUrl"] = f"{self.url['gateways']}/api/v2"
        changed["PaymentReturnUrl"] = f"{self.url['gateways']}/shop"
        del given["DatabaseUrl"], given["DatabaseDirectUrl"]
        return {**given, **changed}


def end(process):
    """The whole group: a function's processes are children of the AWS that runs them."""
    try:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(10)
    except ProcessLookupError:
        pass
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class Console:
    """A browser of the operator on call, as far as the console needs one."""

    def __init__(self, world, api_id):
        command = [LOCAL, "token", "--operator"]
        self.token = subprocess.run(command, env=world.environment, text=True, capture_output=True, check=True).stdout.strip()
        self.port = world.port["aws"]
        self.base = f"/_aws/execute-api/{api_id}"

    def begin_login(self):
        """As a stranger, who has no token: the login leads to the identity provider."""
        (token, self.token) = (self.token, "")
        self.ask("/admin/login")
        self.token = token

    def log_out(self):
        """Ends the token; the database remembers that."""
        self.ask("/admin/logout", {})

    def ask(self, address, form=None):
        """The page; where an answer leads elsewhere it is not followed, since the console's addresses begin at the root."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=35)
        headers = {"Cookie": f"makegood={self.token}"}
        if form is None:
            connection.request("GET", self.base + address, headers=headers)
        else:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            connection.request("POST", self.base + address, urllib.parse.urlencode(form), headers)
        answer = connection.getresponse()
        page = answer.read().decode()
        if answer.status >= 400:
            raise SystemExit(f"✗ the console answers {answer.status} at {address}: {page[:300]}")
        return page

    def press(self, page, action, **fields):
        """The button of a page's form."""
        (_, rest) = self.ask(page).split('name="csrf" value="', 1)
        return self.ask(action, {"csrf": rest.split('"', 1)[0], "reason": "the check of the roles", **fields})
