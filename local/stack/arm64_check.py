"""What `sam build` made for arm64, looked at before it goes to AWS: each function's file is a program for arm64, wants no
library and no glibc that Lambda's image lacks, starts, and answers its sample events.

Run by arm64.sh check with SAM's Python; its arguments are what an arm64 program is run with here. DATABASE_URL is an empty
database, which the function `migrate` fills. Postgres and Redis are real; queues, gateways and the admin service are away.
"""

import http.server
import json
import os
import pathlib
import queue
import re
import secrets
import struct
import subprocess
import sys
import threading
import time

from samcli.yamlhelper import yaml_parse

ROOT = pathlib.Path(os.environ["MAKEGOOD_ROOT"])
LOGS = pathlib.Path(os.environ["MAKEGOOD_STATE"]) / "arm64-check"
RUNNER = sys.argv[1:]

ELF_64, AARCH64 = 2, 183
# provided.al2023: glibc 2.34 and its libraries, libgcc's unwinder, and nothing else to count on.
GLIBC = (2, 34)
LIBRARIES = {"libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libutil.so.1", "libgcc_s.so.1", "ld-linux-aarch64.so.1"}
# Unpacked, of a package with one file.
MEGABYTES = 250
# Emulated, and with calls to what is away being tried again.
START_SECONDS, ANSWER_SECONDS = 30, 60

# What an answer has, by the kind of event.
FIELDS = {".http.": "statusCode", ".sqs.": "batchItemFailures"}

NOWHERE = "http://127.0.0.1:9"
QUEUES = ["PURCHASE_CONFIRMED", "PURCHASE_CREATED", "TRAINER_ALLOCATED", "SESSIONS_GENERATED", "ORDER_CONFIRMED", "PURCHASE_ENDED", "SESSIONS_RESCHEDULED", "ORDER_REFUNDED"]
VARIABLES = {
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
    "AWS_LAMBDA_LOG_GROUP_NAME": "arm64-check",
    "AWS_LAMBDA_LOG_STREAM_NAME": "arm64-check",
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "000000000000",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_ENDPOINT_URL": NOWHERE,
    "DATABASE_URL": os.environ["DATABASE_URL"],
    "REDIS_URL": os.environ["MAKEGOOD_TEST_REDIS_URL"],
    "ADMIN_SERVICE_URL": NOWHERE,
    **{f"QUEUE_URL_{topic}": f"{NOWHERE}/000000000000/queue" for topic in QUEUES},
    "JOBS_QUEUE_URL": f"{NOWHERE}/000000000000/queue",
    "DEAD_LETTER_QUEUE_URL": f"{NOWHERE}/000000000000/queue",
    # The keys that events/ is signed with.
    "RAZORPAY_WEBHOOK_SECRET": "sample-razorpay-secret",
    "CONFIRMATION_SECRET": "sample-confirmation-secret-of-40-bytes-00",
    "STAGE": "sandbox",
    "ESEWA_BASE_URL": NOWHERE,
    "ESEWA_PRODUCT_CODE": os.environ["ESEWA_PRODUCT_CODE"],
    "ESEWA_SECRET": os.environ["ESEWA_SECRET"],
    "KHALTI_BASE_URL": f"{NOWHERE}/api/v2",
    "KHALTI_SECRET": os.environ["KHALTI_SECRET"],
    "PAYMENT_RETURN_URL": f"{NOWHERE}/shop",
    "OIDC_ISSUER": NOWHERE,
    "OIDC_CLIENT_ID": "makegood-console",
    "CONSOLE_SECRET": secrets.token_urlsafe(32),
    "SWEEP_FUNCTION": "sweep",
}


class Fault(Exception):
    """What is wrong with a binary, in a sentence."""


class RuntimeApi(http.server.ThreadingHTTPServer):
    """The Lambda Runtime API for one process at a time."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Exchange)
        self.events, self.answers, self.asked = queue.Queue(), queue.Queue(), threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def address(self):
        return "{}:{}".format(*self.server_address)

    def handle_error(self, *_):
        """A process that is stopped leaves its request behind."""


class Exchange(http.server.BaseHTTPRequestHandler):
    """One request of the process: for an event, or with its answer."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.set()
        event = self.server.events.get()
        self.answer(
            200,
            event,
            {
                "Lambda-Runtime-Aws-Request-Id": "00000000-0000-4000-8000-000000000000",
                "Lambda-Runtime-Deadline-Ms": str(int((time.time() + ANSWER_SECONDS) * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:000000000000:function:makegood",
                "Lambda-Runtime-Trace-Id": "Root=1-00000000-000000000000000000000000;Sampled=0",
            },
        )

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])) if "Content-Length" in self.headers else self.chunks()
        if not self.path.endswith("/init/error"):
            self.server.answers.put((self.path.rsplit("/", 1)[1], body))
        self.answer(202, b"", {})

    def chunks(self):
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def answer(self, status, body, headers):
        self.send_response(status)
        for name, value in {**headers, "Content-Type": "application/json", "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Process:
    """A function running against a Runtime API of its own."""

    def __init__(self, function, binary):
        self.api, self.log = RuntimeApi(), LOGS / f"{function}.log"
        variables = {**VARIABLES, "AWS_LAMBDA_FUNCTION_NAME": function, "AWS_LAMBDA_RUNTIME_API": self.api.address()}
        started = time.monotonic()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([*RUNNER, binary], env=variables, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        while not self.api.asked.wait(0.01):
            self.must_be_alive("before it asked for an event")
            if time.monotonic() - started > START_SECONDS:
                raise Fault(f"did not ask for an event within {START_SECONDS} s ({self.log})")

    def must_be_alive(self, when):
        if self.process.poll() is not None:
            said = self.log.read_text(errors="replace")[-400:].strip() or "it said nothing"
            raise Fault(f"ended with {self.process.returncode} {when}: {said}")

    def invoke(self, event):
        """The answer to the event of this file; a function's error, an HTTP answer of 5xx, or one of another kind is a fault."""
        self.api.events.put(event.read_bytes())
        until = time.monotonic() + ANSWER_SECONDS
        while True:
            try:
                kind, body = self.api.answers.get(timeout=0.1)
                break
            except queue.Empty:
                self.must_be_alive(f"on {event.name}")
                if time.monotonic() > until:
                    raise Fault(f"did not answer {event.name} within {ANSWER_SECONDS} s ({self.log})") from None
        answer = json.loads(body)
        fields = answer if isinstance(answer, dict) else {}
        kinds = {field for infix, field in FIELDS.items() if infix in event.name}
        if kind != "response" or int(fields.get("statusCode", 200)) >= 500 or not kinds <= fields.keys():
            raise Fault(f"{event.name}: {body[:300].decode(errors='replace')}")
        return answer

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.api.shutdown()
        self.api.server_close()


def form(binary):
    """The newest glibc that the file wants, as (2, n), once its form has been found right."""
    if not binary.is_file():
        raise Fault(f"{binary.relative_to(ROOT)} is not there")
    head = binary.open("rb").read(20)
    machine = struct.unpack_from("<H", head, 18)[0] if len(head) == 20 else 0
    if head[:4] != b"\x7fELF" or head[4] != ELF_64 or machine != AARCH64:
        raise Fault(f"is no program for arm64 (ELF machine {machine}, not {AARCH64})")
    if binary.stat().st_size > MEGABYTES * 1_000_000:
        raise Fault(f"is larger than the {MEGABYTES} MB that Lambda takes")
    read = subprocess.run(["readelf", "--wide", "--dynamic", "--version-info", binary], text=True, capture_output=True, check=True).stdout
    foreign = set(re.findall(r"\(NEEDED\).*\[(.*)\]", read)) - LIBRARIES
    if foreign:
        raise Fault(f"wants libraries that Lambda's image lacks: {', '.join(sorted(foreign))}")
    glibc = max((tuple(map(int, version.split("."))) for version in re.findall(r"\bGLIBC_([\d.]+)", read)), default=(0,))
    if glibc > GLIBC:
        raise Fault(f"wants glibc {dotted(glibc)}, Lambda's image has {dotted(GLIBC)}")
    return glibc


def dotted(version):
    return ".".join(map(str, version))


def brief(answer):
    """Of an HTTP answer its status, of a batch how many it returns, of anything else that there is one."""
    fields = answer if isinstance(answer, dict) else {}
    if "statusCode" in fields:
        return f"HTTP {fields['statusCode']}"
    return f"{len(fields['batchItemFailures'])} back" if "batchItemFailures" in fields else "answered"


def samples_of(function):
    """Its sample events but Kafka's: what can't be done without the services that are away, it returns as an error."""
    return [path for path in sorted((ROOT / "events").glob(f"{function}.*json")) if ".msk." not in path.name]


def label(function, sample):
    return sample.name.removeprefix(f"{function}.").removesuffix("json").strip(".") or "event"


def check(function, binary):
    """One line on what was found; raises Fault."""
    glibc = form(binary)
    samples = samples_of(function)
    if not samples:
        raise Fault("has no sample event in events/")
    process = Process(function, binary)
    try:
        answers = [f"{label(function, sample)} {brief(process.invoke(sample))}" for sample in samples]
    finally:
        process.stop()
    return f"{binary.stat().st_size / 1e6:5.1f} MB   glibc {dotted(glibc)}   {' · '.join(answers)}"


def functions():
    """Name → binary, `migrate` first: it makes the tables of the others. Of what was built, which may be one pipeline."""
    resources = yaml_parse((ROOT / ".aws-sam" / "build" / "template.yaml").read_text())["Resources"]
    built = {
        resource["Metadata"]["BuildProperties"]["Binary"]: ROOT / ".aws-sam" / "build" / logical_id / "bootstrap"
        for logical_id, resource in resources.items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    return sorted(built.items(), key=lambda item: (item[0] != "migrate", item[0]))


def main():
    LOGS.mkdir(parents=True, exist_ok=True)
    faults = 0
    for function, binary in functions():
        try:
            print(f"✓ {function:<20} {check(function, binary)}", flush=True)
        except Fault as fault:
            faults += 1
            print(f"✗ {function:<20} {fault}", flush=True)
    sys.exit(f"{faults} of the functions can't go to AWS" if faults else 0)


main()
