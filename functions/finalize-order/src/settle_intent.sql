-- The intent $1 has its order at $2: it is marked, and the open cases that its job left are resolved by $3, each with its audit line.
WITH settled AS (
  UPDATE payment_intents SET status = 'succeeded', updated_at = $2
  WHERE payment_intent_id = $1 AND status <> 'succeeded'
), resolved AS (
  UPDATE payment_cases
  SET status = 'resolved', resolved_at = $2, resolved_by = $3, note = 'the order was made'
  WHERE payment_intent_id = $1 AND status = 'open' AND details ? 'jobId' AND details ->> 'code' <> 'refund_requested'
  RETURNING id, kind, note
)
INSERT INTO audit_log (at, actor, action, subject, reason, details)
SELECT $2, $3, 'case.resolve', 'case:' || r.id, r.note, jsonb_build_object('kind', r.kind, 'paymentIntentId', $1::text)
FROM resolved r
ORDER BY r.id
