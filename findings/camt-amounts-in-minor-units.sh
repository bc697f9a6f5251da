#!/usr/bin/env bash
# iso20022.js reads a statement's amounts into fractions of a cent and takes yen and dinars for cents; a reversal is never one.
#
# Version    npm iso20022.js 0.0.15
# Guess      "minor units" are whole numbers, by the currency's digits, and `reversal` follows RvslInd
# Seen         EUR 4.35      amount 434.99999999999994       EUR 19.99     amount 1998.9999999999998
#              JPY 1500      amount 150000                   KWD 1.235     amount 123.50000000000001
#            Each entry is multiplied by 100 as a float, whatever its currency. `<RvslInd>true</RvslInd>` gives `reversal: false`, and a
#            detail of a batch entry comes without its amount and its EndToEndId. A pending entry (PDNG) looks like a booked one.
#            The way out is alike: a payout with `amount: 1500, currency: "JPY"` is written as `<InstdAmt Ccy="JPY">15</InstdAmt>`.
# So         `amount === 435` is false for 9,175 of the 100,000 amounts up to 1000.00, by the remainder of `x * 100`; the sample with
#            100.00 is right. A yen that comes in counts a hundredfold, and one that is paid out a hundredth.
# Tried      2026-11-28
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --prefix "$work" iso20022.js@0.0.15 >/dev/null
cat >statement.mjs <<'JS'
import { CashManagementEndOfDayReport, ISO20022 } from "iso20022.js";

const entry = (amount, currency, index, status = "BOOK", reversal = "") => `<Ntry>
  <NtryRef>${index}</NtryRef><Amt Ccy="${currency}">${amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd>${reversal}<Sts><Cd>${status}</Cd></Sts>
  <BookgDt><Dt>2026-11-05</Dt></BookgDt>
  <BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>
  <NtryDtls><TxDtls><Refs><EndToEndId>ORDER-${index}</EndToEndId></Refs><Amt Ccy="${currency}">${amount}</Amt>
    <CdtDbtInd>CRDT</CdtDbtInd></TxDtls></NtryDtls>
</Ntry>`;
const balance = (code, currency) => `<Bal><Tp><CdOrPrtry><Cd>${code}</Cd></CdOrPrtry></Tp><Amt Ccy="${currency}">0</Amt>
  <CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-05</Dt></Dt></Bal>`;
const read = (currency, entries) =>
  CashManagementEndOfDayReport.fromXML(`<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>
<GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-11-05T18:00:00Z</CreDtTm></GrpHdr>
<Stmt><Id>S1</Id><ElctrncSeqNb>1</ElctrncSeqNb><CreDtTm>2026-11-05T18:00:00Z</CreDtTm>
<Acct><Id><Othr><Id>123456789</Id></Othr></Id><Ccy>${currency}</Ccy><Svcr><FinInstnId><Othr><Id>12345</Id></Othr></FinInstnId></Svcr></Acct>
${balance("OPBD", currency)}${balance("CLBD", currency)}${entries}
</Stmt></BkToCstmrStmt></Document>`).statements[0].entries;

const amounts = (currency, ...values) =>
  console.log(currency, ...values.map((value, index) => read(currency, entry(value, currency, index))[0].amount));
amounts("EUR", "100.00", "4.35", "19.99");
amounts("JPY", "1500");
amounts("KWD", "1.235");
const [pending] = read("EUR", entry("1.00", "EUR", 7, "PDNG", "<RvslInd>true</RvslInd>"));
console.log("reversal", pending.reversal);
console.log("detail", JSON.stringify(pending.transactions));
console.log("pending or order anywhere", /PDNG|pending|ORDER-7/i.test(JSON.stringify(pending)));
const agent = { bic: "CHASUS33XXX", bankAddress: { country: "US" } };
const account = { accountNumber: "123456789" };
const payout = (amount, currency) =>
  new ISO20022({ initiatingParty: { name: "Shop", id: "SHOP", account, agent } })
    .createSWIFTCreditPaymentInitiation([
      {
        type: "swift",
        direction: "credit",
        amount,
        currency,
        creditor: { name: "Teacher", account, agent, address: { streetName: "1 Road", townName: "Town", postalCode: "1", country: "US" } },
      },
    ])
    .serialize()
    .match(/<InstdAmt.*?<\/InstdAmt>/)[0];
console.log("payout", payout(1500, "JPY"), payout(1235, "KWD"));
const all = Array.from({ length: 100000 }, (_, index) => ((index + 1) / 100).toFixed(2));
const read100000 = read("EUR", all.map((value, index) => entry(value, "EUR", index)).join(""));
console.log("not whole", read100000.filter(({ amount }) => !Number.isInteger(amount)).length);
JS
seen=$(node statement.mjs)
echo "$seen"
[[ "$seen" == "EUR 10000 434.99999999999994 1998.9999999999998
JPY 150000
KWD 123.50000000000001
reversal false
detail [{}]
pending or order anywhere false
payout <InstdAmt Ccy=\"JPY\">15</InstdAmt> <InstdAmt Ccy=\"KWD\">12.35</InstdAmt>
not whole 9175" ]] || { echo "The behaviour has changed." >&2; exit 1; }
