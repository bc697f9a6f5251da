#!/usr/bin/env bash
# opossum with its defaults: in a quiet hour one declined card refuses everybody's payments for 30 seconds.
#
# Version    npm opossum 9.0.0
# Guess      a breaker opens after several failures in a row or half of a fair number; and a call that "timed out" is over
# Seen         the first call ever fails                                       the next one: "Breaker is open"
#              20 calls succeed, 11 seconds of quiet, one fails                the next one: "Breaker is open"
#              20 calls succeed and one fails at once                          the next one is carried out
#              a payment that takes longer than `timeout`                      TimeoutError, then the payment is made all the same
#            `volumeThreshold` is 0: one failure in a window of ten seconds with no other call is 100 % of it, and the limit is 50 %.
# So         tests under load are green and the shop is closed at night, by errors that say nothing about the gateway's health. Set
#            `volumeThreshold`, count a decline as a success (`errorFilter`), and treat TimeoutError as "perhaps paid": ask, don't repeat.
# Tried      2026-11-28
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --prefix "$work" opossum@9.0.0 >/dev/null
cat >breaker.js <<'JS'
const CircuitBreaker = require("opossum");

const pay = async (card) => {
  if (card === "declined") throw new Error("the card was declined");
  return "paid";
};
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const outcome = (breaker, card) => breaker.fire(card).catch((error) => error.message);
const many = async (breaker) => {
  for (let i = 0; i < 20; i++) await breaker.fire("good");
};

(async () => {
  const first = new CircuitBreaker(pay);
  console.log("first call:", await outcome(first, "declined"), "-", await outcome(first, "good"));

  const busy = new CircuitBreaker(pay);
  await many(busy);
  console.log("busy:", await outcome(busy, "declined"), "-", await outcome(busy, "good"));

  const quiet = new CircuitBreaker(pay);
  await many(quiet);
  await pause(11000);
  console.log("quiet:", await outcome(quiet, "declined"), "-", await outcome(quiet, "good"));
  console.log("open for", quiet.options.resetTimeout / 1000, "s, volume", quiet.volumeThreshold);

  const payments = [];
  const slow = new CircuitBreaker(
    async (card) => {
      await pause(300);
      payments.push(card);
    },
    { timeout: 50 },
  );
  console.log("slow:", await outcome(slow, "good"), "- payments", payments.length);
  await pause(600);
  console.log("later: payments", payments.length);
  process.exit(0);
})();
JS
seen=$(node breaker.js)
echo "$seen"
[[ "$seen" == "first call: the card was declined - Breaker is open
busy: the card was declined - paid
quiet: the card was declined - Breaker is open
open for 30 s, volume 0
slow: Timed out after 50ms - payments 0
later: payments 1" ]] || { echo "The behaviour has changed." >&2; exit 1; }
