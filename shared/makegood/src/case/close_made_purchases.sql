-- Resolves up to $3 open cases that said that a purchase could not be made, or not yet, where it was made since: by $1 at $2, each with its line in
-- the audit log. Costs the open cases.
WITH made AS MATERIALIZED (
  SELECT k.id FROM payment_cases k
  WHERE k.status = 'open' AND k.payment_id IS NOT NULL
    AND (k.kind = 'unfulfillable'
         OR k.kind = 'unknown_payment' AND k.details ->> 'code' IN ('payment_not_recorded', 'payment_not_succeeded'))
    AND (EXISTS (SELECT FROM student_course_purchases p WHERE p.payment_id = k.payment_id OFFSET 0)
         OR EXISTS (SELECT FROM purchase_extensions x WHERE x.payment_id = k.payment_id OFFSET 0))
  ORDER BY k.opened_at, k.id
  LIMIT $3
  FOR UPDATE SKIP LOCKED
), resolved AS (
  UPDATE payment_cases k
  SET status = 'resolved', resolved_at = $2, resolved_by = $1, note = 'the purchase was made'
  FROM made WHERE k.id = made.id
  RETURNING k.id, k.kind, k.note, k.payment_id
)
INSERT INTO audit_log (at, actor, action, subject, reason, details)
SELECT $2, $1, 'case.resolve', 'case:' || r.id, r.note, jsonb_build_object('kind', r.kind, 'paymentId', r.payment_id)
FROM resolved r
ORDER BY r.id
