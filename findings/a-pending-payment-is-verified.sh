#!/usr/bin/env bash
# One package for Nepal's gateways calls a pending Khalti payment verified, another one calls a paid order with a small refund failed.
#
# Versions   PyPI django-nepali-payment 1.0.0 (requests 2.32.5) · PyPI valoris-payment-gateway 0.1.2 (httpx 0.28.1)
# Guess      verify_payment of "one consistent API" is true when the money came, whatever the gateway; a package with its own statuses knows
#            each that the gateway documents; an amount in rupees is that amount in paisa
# Seen       django-nepali-payment   verify_payment "to confirm it's real": Khalti Pending, Initiated and Refunded, and Fonepay pending and
#                                    failed, are success=True and pass raise_for_status(), Khalti's as "Payment verified successfully";
#                                    eSewa PENDING and ConnectIPS FAILED are success=False
#            valoris                 Khalti Partially Refunded is "failed", also in its callback; eSewa AMBIGUOUS, which is undecided, is
#                                    "failed"; 4.35 rupees are 434 paisa for Khalti and ConnectIPS, and so one in 17 amounts up to 100.00
# So         an order is delivered unpaid, or one that is paid is cancelled, and a payment is a paisa less than the order, so that a check
#            of the amount fails. Look into data.status and raw, and give amounts that are whole rupees.
# Tried      2026-12-01, with answers as Khalti, Fonepay, eSewa and ConnectIPS document them; no request leaves this machine
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check django-nepali-payment==1.0.0 requests==2.32.5 valoris-payment-gateway==0.1.2 httpx==0.28.1
cat >verify.py <<'PY'
import asyncio
import base64
import json

import httpx
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from nepali_payment import PaymentManager, PaymentMethod, PaymentMode, PaymentResult
from nepali_payment.http import ApiService
from nepali_payment.services.connectips import ConnectIpsConfig
from valoris_payment.providers.connectips import ConnectIPSProvider
from valoris_payment.providers.esewa import EsewaProvider
from valoris_payment.providers.khalti import KhaltiProvider
from valoris_payment.schemas import PaymentRequest


def khalti(status):
    paid = status in ("Completed", "Refunded", "Partially Refunded")
    return {
        "pidx": "HT6o6PEZRWFJ5ygavzHWd5", "total_amount": 100000, "status": status, "transaction_id": "T1" if paid else None, "fee": 0,
        "refunded": "Refunded" in status,
    }


class Gateway(requests.adapters.BaseAdapter):
    """What a gateway answers with status 200."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def send(self, request, **_):
        response = requests.Response()
        response.status_code, response.request, response.url = 200, request, request.url
        response.headers["Content-Type"], response._content = "application/json", json.dumps(self.answer).encode()
        return response

    def close(self):
        pass


def verified(method, content, answer=None, config=None):
    session = requests.Session()
    session.mount("https://", Gateway(answer))
    manager = PaymentManager(method, PaymentMode.SANDBOX, "key", api=ApiService(session=session), config=config)
    result = manager.verify_payment(PaymentResult, content)
    try:
        passed = bool(result.raise_for_status())
    except Exception as error:
        passed = type(error).__name__
    return [result.success, result.message, passed]


for status in ("Completed", "Pending", "Initiated", "Refunded"):
    print("django-nepali-payment Khalti", status, verified(PaymentMethod.KHALTI, "HT6o6PEZRWFJ5ygavzHWd5", khalti(status)))
asked = json.dumps({"prn": "ORDER-1", "merchantCode": "SHOP", "username": "shop", "password": "shop"})
for status in ("success", "pending", "failed"):
    answer = {"fonepayTraceId": 1, "merchantCode": "SHOP", "paymentStatus": status, "prn": "ORDER-1"}
    print("django-nepali-payment Fonepay", status, verified(PaymentMethod.FONEPAY, asked, answer))
for status in ("COMPLETE", "PENDING"):
    data = base64.b64encode(json.dumps({"transaction_uuid": "ORDER-1", "total_amount": "1000.0", "status": status}).encode()).decode()
    print("django-nepali-payment eSewa", status, verified(PaymentMethod.ESEWA, data))
shop = ConnectIpsConfig(merchant_id="1", app_id="SHOP", _private_key=rsa.generate_private_key(65537, 2048))
for status in ("SUCCESS", "FAILED"):
    answer = {"status": status, "statusDesc": status.lower(), "txnAmount": 100000}
    content = json.dumps({"TXNID": "ORDER-1", "expectedAmount": 100000})
    print("django-nepali-payment ConnectIPS", status, verified(PaymentMethod.CONNECTIPS, content, answer, shop))

bodies = []
client = httpx.AsyncClient


def answered(call, answer):
    def reply(request):
        bodies.append(json.loads(request.content) if request.content else None)
        return httpx.Response(200, json=answer)

    httpx.AsyncClient = lambda: client(transport=httpx.MockTransport(reply))
    return asyncio.run(call)


for status in ("Completed", "Refunded", "Partially Refunded"):
    provider = KhaltiProvider("key")
    looked_up = answered(provider.verify("ORDER-1", pidx="HT6o6PEZRWFJ5ygavzHWd5"), khalti(status))
    called_back = asyncio.run(provider.handle_callback({"status": status, "total_amount": "100000", "purchase_order_id": "ORDER-1"}))
    print("valoris Khalti", status, looked_up.status.value, looked_up.amount, called_back.status.value)
for status in ("COMPLETE", "PARTIAL_REFUND", "AMBIGUOUS"):
    answer = {"product_code": "SHOP", "transaction_uuid": "ORDER-1", "total_amount": 1000.0, "status": status, "ref_id": "1"}
    print("valoris eSewa", status, answered(EsewaProvider("key", "SHOP").verify("ORDER-1", total_amount=1000), answer).status.value)


def order(rupees):
    return PaymentRequest(amount=rupees, transaction_id="ORDER-1", success_url="https://example.com", failure_url="https://example.com")


async def initiate():
    for paisa in range(100, 10001):
        await KhaltiProvider("key").initiate(order(paisa / 100))


bodies.clear()
answered(initiate(), {"pidx": "1", "payment_url": "https://example.com"})
print("valoris Khalti 4.35 rupees:", bodies[435 - 100]["amount"], "paisa;", sum(body["amount"] != paisa for paisa, body in enumerate(bodies, 100)), "of 9901 amounts are another one")
key = pkcs12.serialize_key_and_certificates(b"shop", shop._private_key, None, None, BestAvailableEncryption(b"shop"))
with open("creditor.pfx", "wb") as file:
    file.write(key)
provider = ConnectIPSProvider("1", "SHOP", "Shop", "shop", "creditor.pfx", "shop")
print("valoris ConnectIPS 4.35 rupees:", asyncio.run(provider.initiate(order(4.35))).raw["TXNAMT"], "paisa")
PY
seen=$(python/bin/python verify.py)
echo "$seen"
[[ "$seen" == "django-nepali-payment Khalti Completed [True, 'Payment verified successfully', True]
django-nepali-payment Khalti Pending [True, 'Payment verified successfully', True]
django-nepali-payment Khalti Initiated [True, 'Payment verified successfully', True]
django-nepali-payment Khalti Refunded [True, 'Payment verified successfully', True]
django-nepali-payment Fonepay success [True, 'QR status checked successfully', True]
django-nepali-payment Fonepay pending [True, 'QR status checked successfully', True]
django-nepali-payment Fonepay failed [True, 'QR status checked successfully', True]
django-nepali-payment eSewa COMPLETE [True, 'Payment verified successfully', True]
django-nepali-payment eSewa PENDING [False, 'Payment status: PENDING', 'PaymentError']
django-nepali-payment ConnectIPS SUCCESS [True, 'success', True]
django-nepali-payment ConnectIPS FAILED [False, 'failed', 'PaymentError']
valoris Khalti Completed completed 1000.0 completed
valoris Khalti Refunded refunded 1000.0 refunded
valoris Khalti Partially Refunded failed 1000.0 failed
valoris eSewa COMPLETE completed
valoris eSewa PARTIAL_REFUND refunded
valoris eSewa AMBIGUOUS failed
valoris Khalti 4.35 rupees: 434 paisa; 570 of 9901 amounts are another one
valoris ConnectIPS 4.35 rupees: 434 paisa" ]] || { echo "The behaviour has changed." >&2; exit 1; }
