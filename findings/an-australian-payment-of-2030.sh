#!/usr/bin/env bash
# A file of Australian payments (ABA) that aba-generator writes for 1 December 2026 at 14:30 is dated 1 January 2030.
#
# Version    npm aba-generator 2.1.0
# Guess      a day and a time of day that are given as documented (a Date, and text as HHmm) are the file's day and time; amounts
#            may be text, as documented, so that no amount is a float
# Seen       date: a Date of 1 December 2026, time: "1430"        010130 1430      "1430" is read as the year 1430
#            date: the same in milliseconds, time: "0930"         010130 0930
#            no date, time: "0900"                                010100 0900      1 January of the year 900
#            date: "011226", time: "1430"                         011226 1430      right
#            both as Date, or a Date alone                        011226           right
#            two amounts "12.00" and "5.00"                       TypeError: totals.reduce(...).toFixed is not a function
#            All else is right: lines of 120 characters, and amounts and totals of 0.01 to 2000.00.
# So         a bank keeps the refunds until 2030 or refuses the file, and no total of it is wrong. Give the date as text (DDMMYY)
#            whenever a time is given, and give amounts as numbers of two decimals.
# Tried      2026-11-30
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --prefix "$work" aba-generator@2.1.0 >/dev/null
cat >refunds.js <<'JS'
process.env.TZ = "Australia/Sydney";
const ABA = require("aba-generator");

function file(header, ...amounts) {
  const refunds = amounts.map((amount) => ({
    bsb: "061021", transactionCode: ABA.CREDIT, account: "123456", amount, accountTitle: "RAI", reference: "ORDER-1",
    traceBsb: "061123", traceAccount: "1234567", remitter: "SHOP",
  }));
  const aba = new ABA({ header: { bank: "ANZ", user: "SHOP", userNumber: 1234, description: "REFUNDS", ...header } });
  return aba.generate(refunds).split(/\r?\n/).filter((line) => line !== "");
}

function dated(label, header) {
  const [first] = file(header, 49.9);
  console.log(`${label}: ${first.slice(74, 84).trim()}`);
}

const day = new Date(2026, 11, 1);
dated("a Date and 1430", { date: day, time: "1430" });
dated("milliseconds and 0930", { date: day.getTime(), time: "0930" });
dated("no date and 0900", { time: "0900" });
dated("011226 and 1430", { date: "011226", time: "1430" });
dated("a Date and a Date", { date: day, time: new Date(2026, 11, 1, 14, 30) });
dated("a Date", { date: day });

let wrong = 0;
for (let cents = 1; cents <= 200000; cents++) {
  const lines = file({}, cents / 100);
  const isWhole = lines.every((line) => line.length === 120);
  wrong += isWhole && +lines[1].slice(20, 30) === cents && +lines[2].slice(30, 40) === cents ? 0 : 1;
}
console.log(`wrong of 200000 amounts: ${wrong}`);
try {
  file({}, "12.00", "5.00");
} catch (error) {
  console.log(`text: ${error.constructor.name}: ${error.message}`);
}
JS
seen=$(node refunds.js)
echo "$seen"
[[ "$seen" == "a Date and 1430: 0101301430
milliseconds and 0930: 0101300930
no date and 0900: 0101000900
011226 and 1430: 0112261430
a Date and a Date: 0112261430
a Date: 011226
wrong of 200000 amounts: 0
text: TypeError: totals.reduce(...).toFixed is not a function" ]] || { echo "The behaviour has changed." >&2; exit 1; }
