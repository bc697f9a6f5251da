"""Razorpay's own SDK for Python speaks to the local stub of Razorpay, and reads a webhook's signature, as gateway_sdks.mjs does for Node.js."""

import hashlib
import hmac
import os
import time

import razorpay
from razorpay.errors import BadRequestError, SignatureVerificationError

KEY, SECRET = os.environ["RAZORPAY_API_SECRET"].split(":")
WEBHOOK_SECRET = os.environ["RAZORPAY_WEBHOOK_SECRET"]


def client(secret: str) -> razorpay.Client:
    return razorpay.Client(auth=(KEY, secret), base_url=os.environ["MAKEGOOD_GATEWAYS_URL"])


def refused(call, *arguments: object) -> str:
    try:
        call(*arguments)
    except BadRequestError as error:
        return str(error)
    raise AssertionError("it was answered")


def main() -> None:
    merchant = client(SECRET)
    made = merchant.order.create({"amount": 499900, "currency": "INR", "notes": {"courseId": "7b0c6b0e-2f0b-4c5e-9f57-3a6f1d0c9a01"}})
    fetched = merchant.order.fetch(made["id"])
    assert [fetched[name] for name in ("id", "amount", "currency", "notes")] == [made["id"], 499900, "INR", made["notes"]]

    now = int(time.time())
    for entity in (merchant.payment, merchant.refund, merchant.settlement):
        page = entity.all({"from": now - 86400, "to": now, "count": 100, "skip": 0})
        assert (page["entity"], page["count"]) == ("collection", len(page["items"])), page
    settled = merchant.settlement.report({"year": 2026, "month": 11, "day": 30})
    assert (settled["entity"], settled["count"]) == ("collection", len(settled["items"]))

    assert refused(client("another key").order.fetch, made["id"]) == "Authentication failed"
    assert refused(merchant.order.fetch, "order_0000000000nope") == "The id provided does not exist"

    body = '{"entity":"event","event":"payment.captured","payload":{"note":"Café"}}'
    signature = hmac.new(WEBHOOK_SECRET.encode(), body.encode(), hashlib.sha256).hexdigest()
    assert merchant.utility.verify_webhook_signature(body, signature, WEBHOOK_SECRET)
    try:
        merchant.utility.verify_webhook_signature(f"{body} ", signature, WEBHOOK_SECRET)
    except SignatureVerificationError:
        print("  razorpay (Python): orders, lists, refusals, signatures")
    else:
        raise AssertionError("a changed body was accepted")


if __name__ == "__main__":
    main()
