#!/usr/bin/env bash
# One payment code of Pix in sixteen can't be paid with three packages, and a fourth writes none for more than 13.00.
#
# Versions   npm pix-payload 1.0.4 · npm pix-qrcode 1.0.0 · npm @pix.js/qrcode 1.1.0 · npm gpix 1.1.8 · npm qrcode-pix 5.0.0 ·
#            PyPI pixqrcode 1.1.0 · PyPI pixqrcodegen 0.9.1; npm pix-utils 2.8.2 reads
# Guess      the text of a Pix code (fields of EMVCo, each with its length, and a checksum of four hexadecimal digits at the end) that a
#            package writes can be paid for each amount
# Seen       the codes of one order for the 1,600 amounts from 10.00 to 25.99 that are right: fields as long as they say, checksum, amount
#              gpix, qrcode-pix             1600
#              pix-payload, pixqrcode       1505    a checksum below 1000 (hexadecimal) loses its first zero, so the code is a digit short:
#              pix-qrcode                   1495    pix-utils says "invalid crc" or "invalid emv code"
#              pixqrcodegen                 1440    "10.1", as `str(float)` writes it, becomes 10.10 under the length of 10.1
#              @pix.js/qrcode                301    "Number must be less than or equal to 13": the amount, not its digits
#            A code that is wrong is wrong each time it is drawn: the next cent or the next order's number has a right one.
# So         a few customers can't pay, and no test with 10.00 or 150.00 tells. Read each code back, with its checksum, before it is shown.
# Tried      2026-11-30
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --prefix "$work" pix-payload@1.0.4 pix-qrcode@1.0.0 @pix.js/qrcode@1.1.0 @pix.js/core@1.0.0 gpix@1.1.8 \
  qrcode-pix@5.0.0 qrcode@1.5.4 pix-utils@2.8.2 >/dev/null
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check pixqrcode==1.1.0 pixqrcodegen==0.9.1 qrcode==8.2
cat >codes.js <<'JS'
require("qrcode").toDataURL = async () => "";
const { payload } = require("pix-payload");
const { staticPix } = require("pix-qrcode");
const { createStatic } = require("@pix.js/qrcode");
const { PIX } = require("gpix/dist");
const { QrCodePix } = require("qrcode-pix");
const { parsePix } = require("pix-utils");

const key = "shop@example.com";
const shop = { name: "Shop", city: "Natal", transactionId: "ORDER7" };
const write = {
  gpix: (cents) => PIX.static().setReceiverName("Shop").setReceiverCity("Natal").setKey(key).setIdentificator("ORDER7").setAmount(cents / 100).getBRCode(),
  "qrcode-pix": (cents) => QrCodePix({ version: "01", key, ...shop, value: cents / 100 }).payload(),
  "pix-payload": (cents) => payload({ key, ...shop, amount: cents / 100 }),
  "pix-qrcode": async (cents) =>
    (await staticPix({ pixKey: key, merchant: "Shop", merchantCity: "Natal", amount: (cents / 100).toFixed(2), transactionId: "ORDER7" })).payload,
  "@pix.js/qrcode": (cents) =>
    createStatic({ merchantAccountInfo: { key }, merchantName: "Shop", merchantCity: "Natal", postalCode: "59000000", value: cents / 100 }).brcode,
};

(async () => {
  const codes = {};
  for (const [name, code] of Object.entries(write)) {
    codes[name] = [];
    for (let cents = 1000; cents < 2600; cents++) {
      try {
        codes[name].push(await code(cents));
      } catch (error) {
        codes[name].push(error.issues[0].message);
      }
    }
  }
  for (const name of ["pix-payload", "pix-qrcode"]) {
    const short = codes[name].find((code) => code.slice(-7, -5) === "63");
    console.error(`pix-utils on ${name}'s …${short.slice(-7)}: ${parsePix(short).message}`);
  }
  console.log(JSON.stringify(codes));
})();
JS
node codes.js >codes.json 2>read.txt
cat >read.py <<'PY'
import binascii
import contextlib
import io
import json

import qrcode


class Picture:
    """Is not drawn: only its text is looked at."""

    def save(self, *to):
        pass


qrcode.make = lambda text: Picture()
from pixqrcode import PixQrCode
from pixqrcodegen import Payload


def with_payload(amount):
    payload = Payload("Shop", "shop@example.com", amount, "Natal", "ORDER7")
    with contextlib.redirect_stdout(io.StringIO()):
        payload.gerarPayload()
    return payload.payload_completa


def fields(code):
    """The fields of a code, or None where they are not as long as they say, or the checksum is not the text's."""
    at, found = 0, {}
    while at < len(code):
        number, length = code[at:at + 2], code[at + 2:at + 4]
        value = code[at + 4:at + 4 + int(length)] if length.isdigit() else ""
        if not number.isdigit() or not value or len(value) != int(length):
            return None
        found[number] = value
        at += 4 + int(length)
    checksum = f"{binascii.crc_hqx(code[:-4].encode(), 0xFFFF):04X}"
    return found if found.get("63") == checksum else None


CENTS = range(1000, 2600)
with open("codes.json") as file:
    codes = json.load(file)
codes["pixqrcode"] = [PixQrCode("Shop", "shop@example.com", "Natal", f"{cents / 100:.2f}", "ORDER7").generate_code() for cents in CENTS]
codes["pixqrcodegen, two decimals"] = [with_payload(f"{cents / 100:.2f}") for cents in CENTS]
codes["pixqrcodegen, str(float)"] = [with_payload(str(cents / 100)) for cents in CENTS]
for name, written in codes.items():
    wrong = [(cents, code) for cents, code in zip(CENTS, written) if (fields(code) or {}).get("54") != f"{cents / 100:.2f}"]
    print(f"{name}: {len(written) - len(wrong)} right", *[f"- first wrong {cents / 100:.2f} {code[-38:]}" for cents, code in wrong[:1]])
PY
seen=$(python/bin/python read.py; cat read.txt)
echo "$seen"
[[ "$seen" == "gpix: 1600 right
qrcode-pix: 1600 right
pix-payload: 1505 right - first wrong 10.10 5904Shop6005Natal62100506ORDER76303607
pix-qrcode: 1495 right - first wrong 10.13 R5904Shop6005Natal62100506ORDER763048E
@pix.js/qrcode: 301 right - first wrong 13.01 umber must be less than or equal to 13
pixqrcode: 1505 right - first wrong 10.11 5904Shop6005Natal62100506ORDER7630431B
pixqrcodegen, two decimals: 1600 right
pixqrcodegen, str(float): 1440 right - first wrong 10.00 904Shop6005Natal62100506ORDER76304A16F
pix-utils on pix-payload's …6303607: invalid crc
pix-utils on pix-qrcode's …6304D84: invalid emv code" ]] || { echo "The behaviour has changed." >&2; exit 1; }
