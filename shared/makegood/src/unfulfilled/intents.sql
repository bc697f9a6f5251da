-- Which of these intents ($1) their gateway called paid over $3 seconds before $2, and neither have an order nor a case that answers for
-- them ($4 are the programs that resolve cases). A case answers as in payments.sql. Nothing is owed for an intent whose money is all
-- back. Costs what it is asked about.
SELECT v.payment_intent_id AS "id!", v.provider AS "provider!", v.external_transaction_id AS "external_transaction_id!",
       v.verified_at AS "since!",
       NOT EXISTS (SELECT FROM job_queue j
                   WHERE j.idempotency_key = 'payment_' || v.provider || '_' || v.external_transaction_id
                     AND j.status IN ('pending', 'processing') OFFSET 0) AS "is_due!"
FROM (SELECT DISTINCT u.id FROM unnest($1::text[]) u (id)) i
CROSS JOIN LATERAL (
  SELECT v.payment_intent_id, v.provider, v.external_transaction_id, v.verified_at FROM payment_gateway_verifications v
  WHERE v.payment_intent_id = i.id AND v.status = 'success'
  ORDER BY v.verified_at, v.id
  LIMIT 1) v
WHERE v.verified_at < $2::timestamptz - make_interval(secs => $3)
  AND NOT EXISTS (SELECT FROM orders o WHERE o.payment_intent_id = v.payment_intent_id OFFSET 0)
  AND NOT EXISTS (SELECT FROM payment_intents p WHERE p.payment_intent_id = v.payment_intent_id AND p.given_back_at IS NOT NULL OFFSET 0)
  AND NOT EXISTS (SELECT FROM payment_cases k
                  WHERE k.payment_intent_id = v.payment_intent_id AND k.kind <> 'given_back'
                    AND (k.status = 'open'
                         OR coalesce(k.resolved_by, '') <> ALL ($4::text[]) AND coalesce(k.resolved_at, 'infinity') >= v.verified_at)
                  OFFSET 0)
ORDER BY v.verified_at, v.payment_intent_id
