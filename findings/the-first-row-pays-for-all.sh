#!/usr/bin/env bash
# pain001 draws each payment of a file on the first row's account, on the first row's day: also those of its own sample.
#
# Version    PyPI pain001 0.0.74
# Guess      each row has a debtor, a day and a number of its group (payment_information_id), so rows that differ in them become groups
#            (PmtInf) of their own, or are refused
# Seen       the package's sample, its first two rows, and the message that is valid by the schema of pain.001.001.09
#              150.00  Payment-Info-12345  of DE07…6162  12 March          150.00  Payment-Info-12345  of DE07…6162  12 March
#              300.00  Payment-Info-67890  of DE44…4931  14 March          300.00  PAYMENT-INFO-12345  OF DE07…6162  12 MARCH
#            pain.001.001.03 does the same. The number of payments and their sum are counted anew and are right, so no check of the
#            message tells.
# So         a refund of one school is paid from another one's account, and early. Write a file for each account and day, and compare the
#            accounts in the file with those of the rows.
# Tried      2026-11-29; the rows are the samples that the package brings
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --no-compile --disable-pip-version-check pain001==0.0.74
cat >write.py <<'PY'
import csv
import logging
import os
import xml.etree.ElementTree

import pain001

logging.disable(logging.CRITICAL)
TEMPLATES = os.path.join(os.path.dirname(pain001.__file__), "templates")


def message(version, rows):
    """The message of `rows`, by the package's own template and schema."""
    folder = os.path.join(TEMPLATES, version)
    os.chdir(folder)
    text = pain001.generate_xml_string(rows, version, os.path.join(folder, "template.xml"), os.path.join(folder, version + ".xsd"))
    root = xml.etree.ElementTree.fromstring(text)
    for element in root.iter():
        element.tag = element.tag.rsplit("}", 1)[-1]
    return root


COLUMNS = ("payment_amount", "payment_information_id", "debtor_account_IBAN", "requested_execution_date")
for version in ("pain.001.001.09", "pain.001.001.03"):
    with open(os.path.join(TEMPLATES, version, "template.csv")) as file:
        rows = list(csv.DictReader(file))[:2]
    for row in rows:
        print(version, "row:", *(row[name] for name in COLUMNS))
    for group in message(version, rows).iter("PmtInf"):
        day = "".join(group.find("ReqdExctnDt").itertext()).strip()
        for amount in group.iter("InstdAmt"):
            print(version, "message:", amount.text, group.find("PmtInfId").text, group.find("DbtrAcct/Id/IBAN").text, day)
PY
seen=$(python/bin/python write.py)
echo "$seen"
[[ "$seen" == "pain.001.001.09 row: 150.00 Payment-Info-12345 DE07512108001245126162 2023-03-12
pain.001.001.09 row: 300.00 Payment-Info-67890 DE44500105175407324931 2023-03-14
pain.001.001.09 message: 150.00 Payment-Info-12345 DE07512108001245126162 2023-03-12
pain.001.001.09 message: 300.00 Payment-Info-12345 DE07512108001245126162 2023-03-12
pain.001.001.03 row: 150 Payment-Info-12345 DE07512108001245126162 2023-03-12
pain.001.001.03 row: 300 Payment-Info-67890 DE44500105175407324931 2023-03-14
pain.001.001.03 message: 150.00 Payment-Info-12345 DE07512108001245126162 2023-03-12
pain.001.001.03 message: 300.00 Payment-Info-12345 DE07512108001245126162 2023-03-12" ]] || { echo "The behaviour has changed." >&2; exit 1; }
