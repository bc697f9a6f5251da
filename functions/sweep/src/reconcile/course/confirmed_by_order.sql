-- Writes what the provider's order $3 says ($4 student, $5 metadata) over the held payment of the case $2, resolves the case at $1 with
-- its line in the audit log, and gives the payment back. $7 is what was paid, all parts of it. No row when somebody decided about the
-- case meanwhile, or changes it now.
WITH held AS MATERIALIZED (
  SELECT k.id, y.id AS payment_id FROM payment_cases k
  JOIN payments y ON y.id = k.payment_id AND y.status = 'succeeded'
  WHERE k.id = $2 AND k.status = 'open' AND k.kind = 'unpriced_payment'
  FOR UPDATE OF k, y SKIP LOCKED
), resolved AS (
  UPDATE payment_cases k
  SET status = 'resolved', resolved_at = $1, resolved_by = 'sweep', note = 'the provider''s order ' || $3::text || ' says what it buys'
  FROM held WHERE k.id = held.id
  RETURNING k.id, k.kind, k.note
), noted AS (
  INSERT INTO audit_log (at, actor, action, subject, reason, details)
  SELECT $1, 'sweep', 'case.resolve', 'case:' || r.id, r.note,
         jsonb_build_object('kind', r.kind, 'paymentId', held.payment_id, 'orderId', $3::text)
  FROM resolved r JOIN held USING (id)
)
UPDATE payments y
SET student_id = $4, updated_at = $1, amount_cents = greatest(y.amount_cents, $7),
    metadata = CASE WHEN jsonb_typeof(makegood_object(y.metadata)) = 'object' THEN makegood_object(y.metadata) ELSE '{}' END - $6::text[] || $5::jsonb
FROM held WHERE y.id = held.payment_id
RETURNING y.id AS "id!", y.student_id AS "student_id!", (makegood_object(y.metadata) ->> 'courseId')::uuid AS "course_id!",
          y.amount_cents AS "amount_minor!", y.metadata, coalesce(y.confirmed_at, y.created_at) AS "since!", true AS "is_due!"
