"""The local AWS with roles: MiniStack asks before each call of a function whether its role allows it, and writes down the answer.

Run with MiniStack's Python and AUTH=true; IAM_DECISIONS names the file. One thing is fixed: for a batch MiniStack asks for an
action of the operation's own name, such as sqs:SendMessageBatch. IAM knows no such actions; sending a batch needs
sqs:SendMessage, and so on.
"""

import functools
import json
import os
import sys

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.services import sts

OF_BATCHES = {f"sqs:{action}Batch": f"sqs:{action}" for action in ["SendMessage", "ChangeMessageVisibility", "DeleteMessage"]}


def as_iam_names_it(extract):
    @functools.wraps(extract)
    def extracted(*arguments, **named):
        action = extract(*arguments, **named)
        return OF_BATCHES.get(action, action)

    return extracted


def function_of(access_key):
    """Who signs with this key, if it is a function: its name is that of its role's session."""
    session = sts._sessions.get(access_key)
    return session["Arn"].rsplit("/", 1)[1] if session else None


def written_down(enforce, decisions):
    @functools.wraps(enforce)
    def enforced(access_key, action, service, region, resource_arn="*", service_context=None):
        denied = enforce(access_key, action, service, region, resource_arn=resource_arn, service_context=service_context)
        function = function_of(access_key)
        if function:
            line = {"function": function, "action": action, "resource": resource_arn, "allowed": denied is None}
            print(json.dumps(line), file=decisions, flush=True)
        return denied

    return enforced


def main():
    if not app.AUTH:
        sys.exit("AUTH=true is not set: nothing would be enforced")
    decisions = open(os.environ["IAM_DECISIONS"], "a", encoding="utf-8")
    # Both are looked up in their modules at each request.
    iam_actions.extract_iam_action = as_iam_names_it(iam_actions.extract_iam_action)
    iam_evaluator.enforce = written_down(iam_evaluator.enforce, decisions)
    app.main()


if __name__ == "__main__":
    main()
