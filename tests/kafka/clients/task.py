"""What a writer is told (standard input) and answers (standard output), both JSON; the same for each client.

    {"brokers": "host:port", "batches": [{"topic", "codec", "settings", "records": [{"key", "value", "headers", "timestamp"}]}]}
    {"version": "…", "batches": [{"written": 4, "refused": {"3": "TypeError: …"}}]}

Keys, values and values of headers are base64 or null; headers are pairs; `settings` is what the client is told beside its defaults. A record
that the client itself does not take is `refused`, by its place in the batch.
"""

import base64
import json
import sys


def decoded(text):
    """The bytes of base64 text; None stays None."""
    return None if text is None else base64.b64decode(text)


def read():
    """The brokers, and the batches with all bytes decoded."""
    task = json.load(sys.stdin)
    for batch in task["batches"]:
        for record in batch["records"]:
            record["key"], record["value"] = decoded(record["key"]), decoded(record["value"])
            record["headers"] = [(name, decoded(value)) for name, value in record["headers"]]
    return task["brokers"], task["batches"]


def answer(version, batches):
    """Says what became of each batch."""
    json.dump({"version": version, "batches": batches}, sys.stdout)


def outcome(tried):
    """Of one batch: how many records were acknowledged, and which were refused. `tried` has an exception or None for each."""
    refused = {str(place): f"{type(error).__name__}: {error}" for place, error in enumerate(tried) if error is not None}
    return {"written": len(tried) - len(refused), "refused": refused}
