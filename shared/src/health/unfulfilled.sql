-- Payments and paid intents without what was paid for and without case at $1, and the age of the oldest. Of the last 24 hours only ($2
-- seconds of them are grace), by index; what is older is `makegood doctor`'s.
WITH unfulfilled AS (
  SELECT y.confirmed_at AS paid_at FROM payments y
  WHERE y.status = 'succeeded' AND y.confirmed_at > $1::timestamptz - interval '24 hours'
    AND y.confirmed_at < $1::timestamptz - make_interval(secs => $2)
    AND y.metadata ->> 'courseId' IS NOT NULL
    AND NOT EXISTS (SELECT FROM student_course_purchases p WHERE p.payment_id = y.id)
    AND NOT EXISTS (SELECT FROM payment_cases k WHERE k.payment_id = y.id)
    -- An older purchase has no payment id; whose it is, reconcile and doctor decide.
    AND NOT EXISTS (SELECT FROM student_course_purchases p
                    WHERE p.student_id = y.student_id AND p.course_id::text = y.metadata ->> 'courseId' AND p.is_active
                      AND p.payment_id IS NULL)
  UNION ALL
  SELECT v.verified_at
  FROM payment_gateway_verifications v
  WHERE v.status = 'success' AND v.verified_at > $1::timestamptz - interval '24 hours'
    AND v.verified_at < $1::timestamptz - make_interval(secs => $2)
    AND NOT EXISTS (SELECT FROM orders o WHERE o.payment_intent_id = v.payment_intent_id)
    AND NOT EXISTS (SELECT FROM payment_cases k WHERE k.payment_intent_id = v.payment_intent_id)
)
SELECT count(*) AS "count!", coalesce(extract(epoch FROM $1::timestamptz - min(paid_at)), 0)::bigint AS "oldest_seconds!"
FROM unfulfilled
