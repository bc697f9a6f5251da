#!/usr/bin/env bash
# pglite-socket with several connections gives one advisory lock to two clients, and the one's settings and statements to the other.
#
# Versions   npm @electric-sql/pglite-socket 0.2.17 · npm @electric-sql/pglite 0.5.14 · npm pg 8.23.1 (Node 20)
# Guess      with `maxConnections: 10` clients are apart as in Postgres, or wait for each other; what can't work is refused. (Two transactions
#            of two clients are apart: the second one waits.)
# Seen       two clients, one after the other
#              A and B: pg_try_advisory_lock(7)                  true and TRUE: both hold it (Postgres: true, false)
#              A: set_config('app.school', 'one', false)         B reads "one" (Postgres: nothing)
#              A and B prepare "by_id" with other texts          B: an error, the name exists
#              B: LISTEN paid, A: NOTIFY paid                    A gets it, B NOTHING
#              A ends; C connects and reads app.school           "one"; the lock is held still
#            All clients are one session of one backend. The documentation says that one connection is shared and that not all uses are sure
#            to work, not which.
# So         a test that a job runs once, guarded by a session's lock, passes with two workers at work; one that needs NOTIFY waits in vain;
#            and a tenant set by one request is the next one's. Locks of a transaction and row locks are safe, since transactions queue.
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --prefix "$work" @electric-sql/pglite-socket@0.2.17 @electric-sql/pglite@0.5.14 pg@8.23.1 >/dev/null
cat >clients.mjs <<'JS'
import { PGlite } from "@electric-sql/pglite";
import { PGLiteSocketServer } from "@electric-sql/pglite-socket";
import { createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";

const port = await new Promise((resolve) => {
  const probe = createServer().listen(0, "127.0.0.1", () => {
    const free = probe.address().port;
    probe.close(() => resolve(free));
  });
});
const server = new PGLiteSocketServer({ db: await PGlite.create(), host: "127.0.0.1", port, maxConnections: 10 });
await server.start();
const notes = [];
const connect = async (name) => {
  const client = new pg.Client({ host: "127.0.0.1", port, user: "postgres", database: "postgres" });
  client.on("notification", ({ payload }) => notes.push(`${name} got ${payload}`));
  await client.connect();
  return async (...query) => {
    if (query[0] === "end") return client.end();
    const { rows } = await client.query(...query).catch(({ message }) => ({ rows: [{ message }] }));
    return rows.map((row) => Object.values(row)).join();
  };
};
const a = await connect("a");
const b = await connect("b");
console.log("lock:", await a("select pg_try_advisory_lock(7)"), await b("select pg_try_advisory_lock(7)"));
await a("select set_config('app.school', 'one', false)");
console.log("setting:", await b("select current_setting('app.school', true)"));
console.log("statement:", await a({ name: "by_id", text: "select 1" }), await b({ name: "by_id", text: "select 2" }));
await b("listen paid");
await a("notify paid, 'order 1'");
await pause(500);
await b("select 1");
console.log("notification:", notes.join());
await a("end");
await pause(500);
const c = await connect("c");
console.log("after a ended:", await c("select current_setting('app.school', true)"), await c("select count(*) from pg_locks where locktype = 'advisory'"));

await b("create table payment (id text)");
await b("begin");
await b("insert into payment values ('b')");
const later = c("insert into payment values ('c')");
await pause(500);
await b("rollback");
await later;
console.log("transactions:", await c("select id from payment"));
process.exit(0);
JS
seen=$(node clients.mjs)
echo "$seen"
[[ "$seen" == 'lock: true true
setting: one
statement: 1 prepared statement "by_id" already exists
notification: a got order 1
after a ended: one 1
transactions: c' ]] || { echo "The behaviour has changed." >&2; exit 1; }
