#!/usr/bin/env bash
# A file of payments (ACH) by nach2 is refused once one has an addenda record, and one in ten of node-nacha's is ten lines too long.
#
# Versions   npm nach2 0.5.1 · npm @midlandsbank/node-nacha 0.4.0 · PyPI carta-ach 0.4.5; checked by PyPI achkit 0.2.0 and PyPI achlens 0.1.7
# Guess      a writer of NACHA files counts its own records, fills the last block of ten lines, and lets an addenda record name its payment
# Seen       files of 1 to 30 refunds of 49.90, without and with an addenda record (REFUND OF ORDER-1) for each; so many are valid for achkit:
#                             without      with an addenda record
#              carta-ach      30           30
#              node-nacha     27           24      a file that fills its last block gets ten more lines of nines, which are not counted
#              nach2          30            0      the file's control and the last block leave out the addenda records
#            achlens says further: an addenda record of nach2 names no payment and has the number 0100 instead of 0001, one of node-nacha
#            names the payment after its own; trace numbers do not begin with the batch's bank (nach2 takes the shop's number for them,
#            node-nacha the shop's tax number for the bank). It finds nothing in carta-ach's files.
#            nach2's documents use `nach.EntryAddenda` and `addAdenda`; the class is not exported, and the method is `addAddenda`.
# So         the bank refuses the whole file, days after the refund was promised, and only some counts of refunds show it. Check a file
#            with a second package before it is sent, with 3, 6 and 8 payments too.
# Tried      2026-11-30
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --prefix "$work" nach2@0.5.1 @midlandsbank/node-nacha@0.4.0 >/dev/null
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check carta-ach==0.4.5 achkit==0.2.0 achlens==0.1.7
cat >write.js <<'JS'
const nach2 = require("nach2");
const EntryAddenda = require("nach2/lib/entry-addenda");
const nacha = require("@midlandsbank/node-nacha");

const numbers = (count) => Array.from({ length: count }, (_, index) => index + 1);

function byNach2(count, hasText) {
  const file = new nach2.File({
    immediateDestination: "081000032", immediateOrigin: "1234567890", immediateDestinationName: "Bank", immediateOriginName: "Shop", referenceCode: "A1",
  });
  const batch = new nach2.Batch({
    serviceClassCode: "220", companyName: "Shop", standardEntryClassCode: "CCD", companyIdentification: "1234567890",
    companyEntryDescription: "REFUND", companyDescriptiveDate: "NOV 30", effectiveEntryDate: new Date(2026, 11, 1), originatingDFI: "081000032",
  });
  for (const number of numbers(count)) {
    const entry = new nach2.Entry({
      receivingDFI: "081000210", DFIAccount: "5654221", amount: "49.90", idNumber: `ORDER${number}`, individualName: "Rai",
      discretionaryData: "A1", transactionCode: "22",
    });
    if (hasText) entry.addAddenda(new EntryAddenda({ paymentRelatedInformation: `REFUND OF ORDER-${number}` }));
    batch.addEntry(entry);
  }
  file.addBatch(batch);
  return new Promise((resolve) => file.generateFile(resolve));
}

function byNodeNacha(count, hasText) {
  const shop = { from: { name: "Shop", fein: "123456789" }, for: { name: "Bank", routing: "081000032" } };
  let file = nacha.create(shop).ccd({ effectiveDate: "261201", description: "REFUND", date: "Nov 30" });
  for (const number of numbers(count)) {
    const text = hasText ? { addenda: `REFUND OF ORDER-${number}` } : {};
    file = file.credit({ name: "Rai", account: { num: "5654221", type: "C" }, routing: "081000210", amount: 4990, ...text });
  }
  return nacha.from(file).to("ach");
}

(async () => {
  const files = [];
  for (const [name, write] of [["node-nacha", byNodeNacha], ["nach2", byNach2]])
    for (const hasText of [false, true]) for (const count of numbers(30)) files.push([name, hasText, count, await write(count, hasText)]);
  console.log(JSON.stringify(files));
})();
JS
node write.js >files.json
cat >check.py <<'PY'
import collections
import datetime
import json
import os
import subprocess
import sys

import achkit
from ach.builder import AchFile


def by_carta(count, has_text):
    file = AchFile("A", {
        "immediate_dest": "081000032", "immediate_org": "1234567890", "immediate_dest_name": "BANK", "immediate_org_name": "SHOP",
        "company_id": "1234567890",
    })
    entries = [
        {"type": "22", "routing_number": "081000210", "account_number": "5654221", "amount": "49.90", "name": "RAI", "id_number": f"ORDER{number}"}
        | ({"addenda": [{"payment_related_info": f"REFUND OF ORDER-{number}"}]} if has_text else {})
        for number in range(1, count + 1)
    ]
    file.add_batch("CCD", entries, eff_ent_date=datetime.date(2026, 12, 1), entry_desc="REFUND")
    return file.render_to_string()


def lens(text):
    """What achlens says to a file, each once."""
    with open("file.ach", "w", newline="") as file:
        file.write(text)
    command = [os.path.join(os.path.dirname(sys.executable), "achlens"), "validate", "file.ach"]
    findings = json.loads(subprocess.run(command, capture_output=True, text=True).stdout)["findings"]
    return sorted({finding["message"] for finding in findings})


with open("files.json") as file:
    files = json.load(file)
files = [["carta-ach", has_text, count, by_carta(count, has_text)] for has_text in (False, True) for count in range(1, 31)] + files
valid = collections.Counter()
refused = collections.defaultdict(list)
errors = collections.defaultdict(set)
for name, has_text, count, text in files:
    kind = f"{name}, {'with' if has_text else 'without'} addenda"
    result = achkit.validate(text)
    valid[kind] += result["ok"]
    refused[kind] += [] if result["ok"] else [count]
    errors[kind] |= {error["code"] for error in result["errors"]}
for kind, counts in refused.items():
    print(f"{kind}: {valid[kind]} valid, refused", "all" if len(counts) == 30 else counts, *sorted(errors[kind]))
for name, has_text, count, text in files:
    if has_text and count == 1:
        print(f"achlens on one refund of {name}:", *lens(text), sep="\n  ")
PY
seen=$(python/bin/python check.py)
echo "$seen"
[[ "$seen" == "carta-ach, without addenda: 30 valid, refused []
carta-ach, with addenda: 30 valid, refused []
node-nacha, without addenda: 27 valid, refused [6, 16, 26] BAD_BLOCK_COUNT
node-nacha, with addenda: 24 valid, refused [3, 8, 13, 18, 23, 28] BAD_BLOCK_COUNT
nach2, without addenda: 30 valid, refused []
nach2, with addenda: 0 valid, refused all BAD_BLOCKING BAD_BLOCK_COUNT BAD_FILE_COUNT
achlens on one refund of carta-ach:
achlens on one refund of node-nacha:
  Addenda entry-detail sequence number must match the last seven digits of the parent trace number.
  Trace prefix does not match batch ODFI.
achlens on one refund of nach2:
  Addenda entry-detail sequence number must match the last seven digits of the parent trace number.
  File block count does not match.
  File entry/addenda count does not match.
  Padding must fill the next ten-record block exactly.
  Single-addenda sequence number must be 0001.
  Total record count must be a multiple of ten.
  Trace prefix does not match batch ODFI." ]] || { echo "The behaviour has changed." >&2; exit 1; }
