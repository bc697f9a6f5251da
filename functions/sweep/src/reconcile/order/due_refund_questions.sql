-- Takes the $2 paid payments of the gateway $1 that it is to be asked about next, for an hour: those whose time has come again, then those
-- that it was never asked about, from a day after they were verified to $3 days after that. Of an order of nothing it knows nothing. Who is
-- interrupted leaves them to the hour's end.
WITH again AS (
  SELECT v.id FROM payment_gateway_verifications v
  WHERE v.provider = $1 AND v.refund_question_at < now() AND v.refund_question_at < 'infinity'
  ORDER BY v.refund_question_at
  LIMIT $2
  FOR UPDATE SKIP LOCKED
), never AS (
  SELECT v.id FROM payment_gateway_verifications v
  WHERE v.provider = $1 AND v.status <> 'failed' AND v.refund_question_at IS NULL AND v.amount_verified IS DISTINCT FROM 0
    AND v.verified_at < now() - interval '1 day' AND v.verified_at > now() - make_interval(days => $3 + 1)
  ORDER BY v.verified_at DESC
  LIMIT $2
  FOR UPDATE SKIP LOCKED
), taken AS MATERIALIZED (
  SELECT id FROM (SELECT id FROM again UNION ALL SELECT id FROM never) both_kinds LIMIT $2
)
UPDATE payment_gateway_verifications v
SET refund_question_at = now() + interval '1 hour'
FROM taken t
WHERE v.id = t.id
RETURNING v.id, v.payment_intent_id, v.external_transaction_id,
          (SELECT i.amount_cents FROM payment_intents i WHERE i.payment_intent_id = v.payment_intent_id) AS asked_minor
