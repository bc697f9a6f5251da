-- Of these intents those that are not paid, locked in their order; those that somebody is working on are skipped. A payment that
-- is verified meanwhile changes the row itself, and its condition is looked at again under the lock. The verification is asked
-- for by one row at a time: as a join, the planner may read all of them.
SELECT p.payment_intent_id
FROM payment_intents p
WHERE p.payment_intent_id = ANY($1) AND p.status NOT IN ('succeeded', 'processing')
  AND NOT coalesce((SELECT true FROM payment_gateway_verifications v
                    WHERE v.payment_intent_id = p.payment_intent_id AND v.status = 'success' LIMIT 1), false)
ORDER BY p.payment_intent_id
FOR NO KEY UPDATE OF p SKIP LOCKED
