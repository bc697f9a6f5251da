#!/usr/bin/env bash
# Four idempotency packages and one repeated key: the answer of another order, a failure for a day, or a second payment.
#
# Versions   PyPI asgi-idempotency-header 0.2.0 · PyPI fastapi-idempotency 0.1.1 · PyPI fastapi-idempotency-key 0.1.1 ·
#            npm @node-idempotency/core 1.0.11 (with fastapi 0.165.0, starlette 1.10.0, httpx 0.28.1, redis 8.1.0, storage-adapter-memory 1.0.2)
# Guess      the same request with the same key is answered from the store, from wherever it comes; another request with that key is
#            refused; a 503 is not stored
# Seen       the second request of a pair, with default settings:
#                                          asgi-…-header    fastapi-idempotency    fastapi-…-key
#              the same                    stored answer    stored answer          stored answer
#              from another address        stored answer    PAYS AGAIN             stored answer
#              other body, other order     STORED ANSWER    refused, 422           refused, 422
#              other path (/refund)        STORED ANSWER    refused, 422           refused, 422
#              members in another order    stored answer    refused, 422           refused, 422
#              after a 503                 503 FOR 24 H     runs                   runs
#              after a 402                 402              402                    runs
#            @node-idempotency/core stores an error for 24 hours too, as `{"error":{},"statusCode":503}`: its text is lost.
# So         behind a load balancer that has two addresses "the caller" is two callers; a client that repeats after a 503, as it should,
#            is told 503 until tomorrow; a retry built again from a map is refused. Try these seven pairs before one is trusted with money.
# Tried      2026-11-28
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check asgi-idempotency-header==0.2.0 fastapi-idempotency==0.1.1 \
  fastapi-idempotency-key==0.1.1 fastapi==0.165.0 starlette==1.10.0 httpx==0.28.1 redis==8.1.0
npm install --silent --no-audit --no-fund --prefix "$work" @node-idempotency/core@1.0.11 @node-idempotency/storage-adapter-memory@1.0.2 >/dev/null
cat >pairs.py <<'PY'
import asyncio
import json
import logging

import fastapi_idempotency
import fastapi_idempotency_key.middleware
import httpx
import idempotency_header_middleware
from idempotency_header_middleware.backends import MemoryBackend
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

logging.disable(logging.CRITICAL)
ORDER = '{"order": 1, "amount": 100}'
PAIRS = (
    ("same", 201, {}),
    ("address", 201, {"address": "10.0.0.2"}),
    ("body", 201, {"body": '{"order": 2, "amount": 900}'}),
    ("path", 201, {"path": "/refund"}),
    ("members", 201, {"body": '{"amount": 100, "order": 1}'}),
    ("503", 503, {}),
    ("402", 402, {}),
)


async def pair(wrap, status, second):
    runs = []

    async def handle(request):
        runs.append(request.url.path)
        return JSONResponse({"run": len(runs)}, status_code=status if len(runs) == 1 else 201)

    app = wrap(Starlette(routes=[Route(path, handle, methods=["POST"]) for path in ("/pay", "/refund")]))

    async def post(path="/pay", body=ORDER, address="10.0.0.1"):
        transport = httpx.ASGITransport(app, client=(address, 5000))
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            headers = {"idempotency-key": "5f0c2f44-3b0e-4f4e-9d5f-0d6a4bb1e001", "content-type": "application/json"}
            return await client.post(path, content=body, headers=headers)

    await post()
    answer = await post(**second)
    if len(runs) == 2:
        return "runs"
    return ("stored" if json.loads(answer.text) == {"run": 1} else "refused") + f" {answer.status_code}"


for name, wrap in (
    ("asgi-idempotency-header", lambda app: idempotency_header_middleware.IdempotencyHeaderMiddleware(app, backend=MemoryBackend())),
    ("fastapi-idempotency", lambda app: fastapi_idempotency.IdempotencyMiddleware(app)),
    ("fastapi-idempotency-key", lambda app: fastapi_idempotency_key.middleware.IdempotencyMiddleware(app)),
):
    for label, status, second in PAIRS:
        print(name, label, asyncio.run(pair(wrap, status, second)), sep=", ")
PY
cat >node.js <<'JS'
const { Idempotency } = require("@node-idempotency/core");
const { MemoryStorageAdapter } = require("@node-idempotency/storage-adapter-memory");

(async () => {
  const idempotency = new Idempotency(new MemoryStorageAdapter(), {});
  const request = { headers: { "idempotency-key": "a" }, body: { order: 1 }, path: "/pay", method: "POST" };
  await idempotency.onRequest(request);
  await idempotency.onResponse(request, { error: new Error("the database is away"), statusCode: 503 });
  console.log("node-idempotency after 503", JSON.stringify(await idempotency.onRequest(request)));
})();
JS
seen=$(python/bin/python pairs.py; node node.js)
echo "$seen"
[[ "$seen" == "asgi-idempotency-header, same, stored 201
asgi-idempotency-header, address, stored 201
asgi-idempotency-header, body, stored 201
asgi-idempotency-header, path, stored 201
asgi-idempotency-header, members, stored 201
asgi-idempotency-header, 503, stored 503
asgi-idempotency-header, 402, stored 402
fastapi-idempotency, same, stored 201
fastapi-idempotency, address, runs
fastapi-idempotency, body, refused 422
fastapi-idempotency, path, refused 422
fastapi-idempotency, members, refused 422
fastapi-idempotency, 503, runs
fastapi-idempotency, 402, stored 402
fastapi-idempotency-key, same, stored 201
fastapi-idempotency-key, address, stored 201
fastapi-idempotency-key, body, refused 422
fastapi-idempotency-key, path, refused 422
fastapi-idempotency-key, members, refused 422
fastapi-idempotency-key, 503, runs
fastapi-idempotency-key, 402, runs
node-idempotency after 503 {\"error\":{},\"statusCode\":503}" ]] || { echo "The behaviour has changed." >&2; exit 1; }
