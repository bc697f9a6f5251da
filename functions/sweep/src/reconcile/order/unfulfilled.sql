-- Verified intents older than two minutes without order and without case: how many, the age of the oldest, and the $1 oldest
-- of those that no job is working on. Always at least one row, for the two figures. A case, open or resolved, is a person's.
WITH unfulfilled AS (
  SELECT v.payment_intent_id, v.provider, v.external_transaction_id, v.verified_at
  FROM payment_gateway_verifications v
  WHERE v.status = 'success'
    AND v.verified_at < now() - interval '2 minutes'
    AND NOT EXISTS (SELECT FROM orders o WHERE o.payment_intent_id = v.payment_intent_id)
    AND NOT EXISTS (SELECT FROM payment_cases c WHERE c.payment_intent_id = v.payment_intent_id)
)
SELECT t.total AS "total!", t.oldest_seconds AS "oldest_seconds!", u.payment_intent_id AS "payment_intent_id?",
       u.provider AS "provider?", u.external_transaction_id AS "external_transaction_id?"
FROM (SELECT count(*) AS total, coalesce(extract(epoch FROM now() - min(verified_at)), 0)::bigint AS oldest_seconds
      FROM unfulfilled) t
LEFT JOIN LATERAL (
  SELECT f.* FROM unfulfilled f
  WHERE NOT EXISTS (SELECT FROM job_queue j
                    WHERE j.idempotency_key = 'payment_' || f.provider || '_' || f.external_transaction_id
                      AND j.status IN ('pending', 'processing'))
  ORDER BY f.verified_at, f.payment_intent_id
  LIMIT $1) u ON true
