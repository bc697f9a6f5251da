-- As claim_unpaid.sql, but waits for whoever holds a row.
SELECT p.payment_intent_id
FROM payment_intents p
WHERE p.payment_intent_id = ANY($1) AND p.status NOT IN ('succeeded', 'processing')
  AND NOT coalesce((SELECT true FROM payment_gateway_verifications v
                    WHERE v.payment_intent_id = p.payment_intent_id AND v.status = 'success' LIMIT 1), false)
ORDER BY p.payment_intent_id
FOR NO KEY UPDATE OF p
