-- Up to $2 payments that were held because nothing confirmed their price, and whose price was entered since: resolves their cases at $1,
-- each with its line in the audit log, and gives them back. A case that somebody is changing at this moment is left for the next run.
-- Costs the open cases.
WITH priced AS MATERIALIZED (
  SELECT k.id FROM payment_cases k
  JOIN payments y ON y.id = k.payment_id AND y.status = 'succeeded'
  CROSS JOIN LATERAL (SELECT coalesce((k.details ->> 'paidAt')::timestamptz, y.confirmed_at, y.created_at) AS at) paid
  WHERE k.status = 'open' AND k.kind = 'unpriced_payment'
    AND EXISTS (SELECT FROM course_prices c
                WHERE c.course_id::text = k.details ->> 'courseId' AND c.tier::text = k.details ->> 'purchaseTier'
                  AND c.currency = y.currency AND c.amount_minor = y.amount_cents
                  AND c.valid_from <= paid.at AND (c.valid_to IS NULL OR c.valid_to > paid.at))
  ORDER BY k.opened_at, k.id
  LIMIT $2
  FOR UPDATE OF k SKIP LOCKED
), resolved AS (
  UPDATE payment_cases k
  SET status = 'resolved', resolved_at = $1, resolved_by = 'sweep', note = 'its price was entered'
  FROM priced WHERE k.id = priced.id
  RETURNING k.id, k.kind, k.note, k.payment_id
), noted AS (
  INSERT INTO audit_log (at, actor, action, subject, reason, details)
  SELECT $1, 'sweep', 'case.resolve', 'case:' || r.id, r.note, jsonb_build_object('kind', r.kind, 'paymentId', r.payment_id)
  FROM resolved r
)
SELECT y.id AS "id!", y.student_id AS "student_id!", (makegood_object(y.metadata) ->> 'courseId')::uuid AS "course_id!",
       y.amount_cents AS "amount_minor!", y.metadata, coalesce(y.confirmed_at, y.created_at) AS "since!", true AS "is_due!"
FROM resolved r JOIN payments y ON y.id = r.payment_id
