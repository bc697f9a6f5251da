#!/usr/bin/env bash
# middy's partial batch middleware delivers a whole handled batch again when the handler answers in Lambda's own form.
#
# Versions   npm @middy/sqs-partial-batch-failure 6.4.5 · npm @middy/core 6.4.5
# Guess      `{batchItemFailures: […]}` from the handler passes through; values from Promise.all count as done; an error of the handler
#            stays an error of the invocation
# Seen       three messages, the response to Lambda:
#              Promise.allSettled, the second rejected       m2
#              {batchItemFailures: [{itemIdentifier: m2}]}   m1 m2 m3
#              Promise.all, all done                         m1 m2 m3
#              undefined (each message was handled)          m1 m2 m3
#              allSettled of a filtered list, all done       m1 m2 m3
#              throws                                        m1 m2 m3, and the invocation succeeds
#            Whatever isn't `{status: "fulfilled"}` at the record's index is a failure, and an answer that can't be read is an error that
#            the middleware catches itself.
# So         paid orders come again until they are in the dead-letter queue, with nothing but lines on stderr; Lambda's `Errors` metric stays
#            at 0 even when the database is away, so alarms on it never ring. Return Promise.allSettled over all records, in their order.
# Tried      2026-11-28
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --prefix "$work" @middy/core@6.4.5 @middy/sqs-partial-batch-failure@6.4.5 >/dev/null
cat >batches.mjs <<'JS'
import middy from "@middy/core";
import partialBatchFailure from "@middy/sqs-partial-batch-failure";

const event = { Records: ["m1", "m2", "m3"].map((messageId) => ({ messageId, body: "{}", eventSource: "aws:sqs" })) };
const paid = async () => "paid";
const handlers = {
  allSettled: (records) =>
    Promise.allSettled(
      records.map(async ({ messageId }) => {
        if (messageId === "m2") throw new Error("declined");
      }),
    ),
  "own form": async () => ({ batchItemFailures: [{ itemIdentifier: "m2" }] }),
  all: (records) => Promise.all(records.map(paid)),
  undefined: async (records) => void (await Promise.all(records.map(paid))),
  filtered: (records) => Promise.allSettled(records.slice(1).map(paid)),
  throws: async () => {
    throw new Error("the database is away");
  },
};
for (const [name, handler] of Object.entries(handlers)) {
  const lambda = middy(({ Records }) => handler(Records)).use(partialBatchFailure({ logger: false }));
  const { batchItemFailures } = await lambda(structuredClone(event), {});
  console.log(name, "->", ...batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
}
JS
seen=$(node batches.mjs)
echo "$seen"
[[ "$seen" == "allSettled -> m2
own form -> m1 m2 m3
all -> m1 m2 m3
undefined -> m1 m2 m3
filtered -> m1 m2 m3
throws -> m1 m2 m3" ]] || { echo "The behaviour has changed." >&2; exit 1; }
