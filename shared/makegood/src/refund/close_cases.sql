-- Closes the open cases of an intent ($1) of these kinds ($2), with the code $6 where one is given, that name no amount above $3, at $4,
-- by $5; each has its line in the audit log.
WITH resolved AS (
  UPDATE payment_cases
  SET status = 'resolved', resolved_at = $4, resolved_by = $5, note = 'the money was given back'
  WHERE payment_intent_id = $1 AND status = 'open' AND kind = ANY ($2) AND coalesce(amount_cents, 0) <= $3
    AND ($6::text IS NULL OR details ->> 'code' = $6)
  RETURNING id, kind, note
)
INSERT INTO audit_log (at, actor, action, subject, reason, details)
SELECT $4, $5, 'case.resolve', 'case:' || r.id, r.note, jsonb_build_object('kind', r.kind, 'paymentIntentId', $1::text)
FROM resolved r
ORDER BY r.id
