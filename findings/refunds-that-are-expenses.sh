#!/usr/bin/env bash
# A refund at a shop's terminal is a debit, and a name with an ampersand has three more: readers of OFX in JavaScript.
#
# Versions   npm ofx-data-extractor 1.5.0 · npm node-ofx-parser 0.5.1 · npm ofx-js 1.1.1
# Guess      the sign of TRNAMT says which way the money went, whatever TRNTYPE says; white space between tags means nothing; &amp; is &
# Seen       ofx-data-extractor, amounts of a statement           direction    amount    in the summary
#              POS 5.00, a refund at a terminal                   debit        5         debit 5
#              CHECK 5.00, a cheque that bounced                  debit        5         debit 5
#              XFER 5.00                                          credit       5         credit 5
#              POS -5.00                                          debit        -5        debit 5
#            The same file with `<STATUS><CODE>0<SEVERITY>INFO</STATUS>` on one line, as banks write it: SyntaxError, from JSON.parse.
#            Its `toJson` gives the entries (STMTTRN in the file) as STRTTRN.
#            The name `Tom &amp; Sons`     ofx-js  Tom & Sons      ofx-data-extractor  Tom &amp; Sons
#                                          node-ofx-parser  Tom &amp;amp;amp; Sons
# So         a day's money is wrong by twice each refund, and payment and refund look alike; a payer's name matches nobody. Take the raw
#            TRNAMT with its sign, and compare the sum with LEDGERBAL.
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$work" ofx-data-extractor@1.5.0 node-ofx-parser@0.5.1 ofx-js@1.1.1 >/dev/null
cat >read.js <<'JS'
const { Ofx } = require("ofx-data-extractor");
const ofxJs = require("ofx-js");
const nodeOfx = require("node-ofx-parser");

const entry = ([type, amount], at) =>
  `<STMTTRN>\n<TRNTYPE>${type}\n<DTPOSTED>20261128\n<TRNAMT>${amount}\n<FITID>f${at}\n<NAME>Tom &amp; Sons\n</STMTTRN>`;
const statement = (entries, status = "<STATUS>\n<CODE>0\n<SEVERITY>INFO\n</STATUS>") => `OFXHEADER:100
DATA:OFXSGML
VERSION:102
SECURITY:NONE
ENCODING:USASCII
CHARSET:1252
COMPRESSION:NONE
OLDFILEUID:NONE
NEWFILEUID:NONE

<OFX>
<SIGNONMSGSRSV1>
<SONRS>
${status}
<DTSERVER>20261128
<LANGUAGE>ENG
</SONRS>
</SIGNONMSGSRSV1>
<BANKMSGSRSV1>
<STMTTRNRS>
<TRNUID>1
${status}
<STMTRS>
<CURDEF>EUR
<BANKACCTFROM>
<BANKID>37040044
<ACCTID>0532013000
<ACCTTYPE>CHECKING
</BANKACCTFROM>
<BANKTRANLIST>
<DTSTART>20261101
<DTEND>20261128
${entries.map(entry).join("\n")}
</BANKTRANLIST>
<LEDGERBAL>
<BALAMT>100.00
<DTASOF>20261128
</LEDGERBAL>
</STMTRS>
</STMTTRNRS>
</BANKMSGSRSV1>
</OFX>
`;
const first = (document) => {
  const [[list, entries]] = Object.entries(document.OFX.BANKMSGSRSV1.STMTTRNRS.STMTRS.BANKTRANLIST).filter(([, value]) => Array.isArray(value));
  return `${list} ${entries[0].NAME}`;
};

(async () => {
  for (const pair of [["POS", "5.00"], ["CHECK", "5.00"], ["XFER", "5.00"], ["POS", "-5.00"]]) {
    const reader = new Ofx(statement([pair]));
    const [{ direction, amount }] = reader.toNormalized().transactions;
    const { credit, debit } = reader.getTransactionsSummary();
    console.log(...pair, "direction", direction, "amount", amount, "credit", credit, "debit", debit);
  }
  try {
    new Ofx(statement([["POS", "-5.00"]], "<STATUS><CODE>0<SEVERITY>INFO</STATUS>")).toJson();
  } catch (error) {
    console.log("on one line:", error.name);
  }
  const text = statement([["POS", "-5.00"], ["POS", "-6.00"]]);
  console.log("ofx-js:", first(await ofxJs.parse(text)));
  console.log("ofx-data-extractor:", first(new Ofx(text).toJson()));
  console.log("node-ofx-parser:", first(nodeOfx.parse(text)));
})();
JS
seen=$(node read.js)
echo "$seen"
[[ "$seen" == "POS 5.00 direction debit amount 5 credit 0 debit 5
CHECK 5.00 direction debit amount 5 credit 0 debit 5
XFER 5.00 direction credit amount 5 credit 5 debit 0
POS -5.00 direction debit amount -5 credit 0 debit 5
on one line: SyntaxError
ofx-js: STMTTRN Tom & Sons
ofx-data-extractor: STRTTRN Tom &amp; Sons
node-ofx-parser: STMTTRN Tom &amp;amp;amp; Sons" ]] || { echo "The behaviour has changed." >&2; exit 1; }
