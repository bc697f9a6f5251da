"""Roles at run time: every function is driven through all that it asks of AWS, and its role must allow it, and no more.

    iam_check.py                                        all must be allowed, and all that is granted must have been used
    iam_check.py --take create-purchase sqs:SendMessage  the same with this action taken from that role: must fail, and name it

What the local AWS enforces is what a function asks by itself: queues that it sends to or hands messages back to, secrets, other
functions. What Lambda does in its name (polling, logs, traces, network) is not asked here; the contract tests look at that.
Needs deploy.sh, whose package and parameters it takes. Run with SAM's Python in the environment of env.sh.
"""

import argparse
import hashlib
import hmac
import json
import re
import signal
import subprocess
import sys
import time

from deployed import PACKAGED, ROOT, deploy, parameters
from iam_world import HOME, LOCAL, STACK, Console, World, wait_until
from samcli.yamlhelper import yaml_parse

ENFORCED = {"sqs:SendMessage", "sqs:ChangeMessageVisibility", "secretsmanager:GetSecretValue", "lambda:InvokeFunction"}
# Tables without which stages hand messages back, and a worker puts its job off.
TABLES = ["student_course_purchases", "trainer_allocations", "tutoring_sessions", "orders"]
# Queue → the function that returns to it.
RETURNS = {"purchase-confirmed": "create-purchase", "purchase-created-allocation": "allocate-trainer", "trainer-allocated-sessions": "schedule-sessions"}
CACHES = ["purchase-created-cache", "trainer-allocated-cache", "sessions-generated-cache"]
SOURCES = [*RETURNS, *CACHES, "order-confirmed", "jobs"]
# Granted for what can't be brought about here.
NOT_REACHED = {("invalidate-cache", "sqs:ChangeMessageVisibility"): "it returns a message only when its code panics"}
WAKE_UP = {"jobId": "00000000-0000-0000-0000-000000000001"}


def listed(value):
    return value if isinstance(value, list) else [value]


def sample(queue):
    """A message that belongs into this queue."""
    if queue == "jobs":
        return WAKE_UP
    (topic,) = [path for path in (ROOT / "events").glob("*-*.json") if queue.startswith(path.stem)]
    return json.loads(topic.read_text())


def without(part, action):
    """This part of a template, its statements granting the action no more."""
    if isinstance(part, list):
        return [without(inner, action) for inner in part]
    if not isinstance(part, dict):
        return part
    if "Effect" in part and action in listed(part["Action"]):
        rest = [a for a in listed(part["Action"]) if a != action]
        return {**part, "Action": rest} if rest else {"Ref": "AWS::NoValue"}
    return {key: without(inner, action) for key, inner in part.items()}


class Check:
    def __init__(self, world):
        self.world = world
        self.began = time.monotonic()

    def say(self, text):
        print(f"· {text}, {time.monotonic() - self.began:.0f} s", flush=True)

    # ---- what was asked, and what is granted

    def decisions(self):
        """(function, action, resource) → whether it was allowed each time."""
        found = {}
        for line in self.world.decisions.read_text().splitlines():
            decision = json.loads(line)
            key = (decision["function"].removeprefix(f"{STACK}-"), decision["action"], decision["resource"])
            found[key] = found.get(key, True) and decision["allowed"]
        return found

    def granted(self):
        """(function, action, resource) of every role as it was deployed, of what is enforced here."""
        found = set()
        for page in self.world.aws["lambda"].get_paginator("list_functions").paginate():
            for function in page["Functions"]:
                name = function["FunctionName"].removeprefix(f"{STACK}-")
                for statement in self.statements(function["Role"].rsplit("/", 1)[1]):
                    found |= {(name, a, r) for a in listed(statement["Action"]) for r in listed(statement["Resource"]) if a in ENFORCED}
        return found

    def statements(self, role):
        iam = self.world.aws["iam"]
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            yield from iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]["Statement"]

    def wait_for(self, function, action, queue, seconds=60):
        def was_asked():
            return any(f == function and a == action and r.endswith(f":{STACK}-{queue}") for f, a, r in self.decisions())

        wait_until(was_asked, seconds, f"{function} never asked for {action} on {queue}; see {HOME}")

    # ---- what drives them

    def api_id(self):
        (stack,) = self.world.aws["cloudformation"].describe_stacks(StackName=STACK)["Stacks"]
        (url,) = [o["OutputValue"] for o in stack["Outputs"] if o["OutputKey"] == "ApiUrl"]
        return re.sub(r"^\w+://", "", url).split(".")[0]

    def invoke(self, function, event):
        answer = self.world.aws["lambda"].invoke(FunctionName=f"{STACK}-{function}", Payload=json.dumps(event))
        text = answer["Payload"].read().decode()
        if "FunctionError" in answer:
            sys.exit(f"✗ {function} failed: {text}\n{self.verdict()}")
        return text

    def trade(self):
        """Payments and buyers: the main paths, and the sweeps reservations and reconcile."""
        environment = {**self.world.environment, "MAKEGOOD_API_URL": f"{self.world.url['aws']}/_aws/execute-api/{self.api_id()}"}
        command = [LOCAL, "run", "--payments", "6", "--buyers", "6", "--patience", "20"]
        done = subprocess.run(command, env=environment, text=True, capture_output=True, check=False)
        if done.returncode:
            sys.exit(f"✗ payments and buyers were not served:\n{done.stdout[-4000:]}{done.stderr[-2000:]}\n{self.verdict()}")

    def refuse_dead_letters(self):
        """A message that can't be read is parked by its stage; what lies in a dead-letter queue is filed."""
        for queue in RETURNS:
            self.world.send(queue, "no event")
        for queue in SOURCES:
            self.world.send(f"{queue}-dlq", sample(queue))
        wanted = len(RETURNS) + len(SOURCES)
        filed = "SELECT count(*) FROM dead_letters WHERE status = 'parked'"
        wait_until(lambda: int(self.world.sql(filed)) >= wanted, 30, lambda: f"{wanted} dead letters were not filed by park-dead-letters\n{self.verdict()}")

    def return_to_queue(self):
        """Without its table a stage returns, and a worker puts its job off."""
        job = self.world.sql(
            "UPDATE job_queue SET status = 'pending', attempts = 0, completed_at = NULL WHERE id = (SELECT id FROM job_queue"
            " WHERE status = 'completed' AND job_type = 'finalize_order' LIMIT 1) RETURNING id"
        )
        for table in TABLES:
            self.world.sql(f"ALTER TABLE {table} RENAME TO {table}_away")
        for queue in RETURNS:
            self.world.send(queue, sample(queue))
        self.world.send("jobs", {"jobId": job})
        for queue, function in RETURNS.items():
            self.wait_for(function, "sqs:ChangeMessageVisibility", queue)
        self.wait_for("finalize-order", "sqs:SendMessage", "jobs")
        for table in TABLES:
            self.world.sql(f"ALTER TABLE {table}_away RENAME TO {table}")

    def use_the_console(self):
        console = Console(self.world, self.api_id())
        console.begin_login()
        console.press("/admin/dead-letters/replay", "/admin/dead-letters/replay", force="yes")
        # As if a crash had left one event of each topic unpublished, and a wake-up had got lost.
        self.world.sql("UPDATE outbox SET published_at = NULL, claimed_until = NULL WHERE id IN (SELECT min(id) FROM outbox GROUP BY topic)")
        self.world.sql(
            "UPDATE job_queue SET status = 'pending', attempts = 0, completed_at = NULL, scheduled_for = now() - interval '1 hour'"
            " WHERE id = (SELECT id FROM job_queue WHERE status = 'completed' LIMIT 1)"
        )
        for sweep in ["outbox", "stale-jobs", "reservations", "reconcile", "compare", "health"]:
            console.press("/admin/sweeps", f"/admin/sweeps/{sweep}/run")
        console.log_out()

    def top_up(self):
        """Of an allocation whose sessions are over."""
        over = (
            "(SELECT s.allocation_id FROM tutoring_sessions s JOIN trainer_allocations a ON a.id = s.allocation_id"
            " WHERE a.status IN ('approved', 'active') AND s.status = 'scheduled' GROUP BY 1 HAVING count(*) = 7 LIMIT 1)"
        )
        self.world.sql(f"UPDATE tutoring_sessions SET status = 'completed' WHERE allocation_id = {over}")
        self.invoke("top-up-sessions", {})

    def give_back(self):
        """All the money of one purchase, by the provider's signed message."""
        paid = json.loads(
            self.world.sql(
                "SELECT to_jsonb(y) FROM payments y JOIN student_course_purchases p ON p.payment_id = y.id AND p.is_active"
                " WHERE y.provider = 'razorpay' AND y.provider_payment_id IS NOT NULL LIMIT 1"
            )
        )
        refund = {"id": "rfnd_check", "payment_id": paid["provider_payment_id"], "amount": paid["amount_cents"], "currency": paid["currency"]}
        body = json.dumps({"event": "refund.processed", "payload": {"refund": {"entity": refund}}, "created_at": int(time.time())})
        event = json.loads((ROOT / "events/receive-payment.razorpay.http.json").read_text())
        secret = parameters()["RazorpayWebhookSecret"].encode()
        event["headers"]["x-razorpay-signature"] = hmac.new(secret, body.encode(), hashlib.sha256).hexdigest()
        answer = self.invoke("receive-payment", {**event, "body": body})
        ended = f"SELECT end_reason FROM student_course_purchases WHERE payment_id = '{paid['id']}'"
        if self.world.sql(ended) != "refunded":
            sys.exit(f"✗ a refund ended nothing: {answer}")

    def verdict(self):
        """What is wrong, a line each; empty when nothing is. After a denial much is not reached that would be otherwise."""
        asked = self.decisions()
        denied = [f"✗ {f} was denied {a} on {r}" for (f, a, r), allowed in sorted(asked.items()) if not allowed]
        unused = [f"✗ {f} may {a} on {r}, and never did" for f, a, r in sorted(self.reachable() - set(asked))]
        return "\n".join(denied or unused)

    def reachable(self):
        return {grant for grant in self.granted() if grant[:2] not in NOT_REACHED}


def package(taken):
    """That of deploy.sh; with an action taken from a role where one is to be missed."""
    if not taken:
        return PACKAGED
    (function, action), changed = taken, HOME / "without.json"
    document = yaml_parse(PACKAGED.read_text())
    roles = [r["Properties"] for r in document["Resources"].values() if r["Type"] == "AWS::IAM::Role"]
    (role,) = [role for role in roles if role["Policies"][0]["PolicyName"] == function]
    role["Policies"] = without(role["Policies"], action)
    changed.write_text(json.dumps(document, default=str))
    return changed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--take", nargs=2, metavar=("FUNCTION", "ACTION"), help="take this action from this role, to see the check fail")
    taken = parser.parse_args().take
    # A pipeline that stops this ends it so: what was started must end too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with World() as world:
        check = Check(world)
        deploy(STACK, package(taken), world.parameters(), world.environment)
        check.invoke("migrate", {})
        check.say("deployed and migrated, every role enforced")
        check.trade()
        check.say("payments and buyers served")
        check.refuse_dead_letters()
        check.return_to_queue()
        check.say("dead letters parked and filed, messages returned")
        check.use_the_console()
        check.top_up()
        check.give_back()
        check.say("dead letters replayed and sweeps run from the console, sessions topped up, a refund taken")
        if wrong := check.verdict():
            sys.exit(wrong)
        check.say(f"nothing was denied, and all of {len(check.reachable())} grants were used")
        for (function, action), why in NOT_REACHED.items():
            print(f"· not tried: {action} of {function}, {why}")


if __name__ == "__main__":
    main()
