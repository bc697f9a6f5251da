-- G11: what money that went back must have ended, and what about it waits for somebody. $1 is now, $2 the grace in seconds. An open case
-- answers.
WITH back AS (
  SELECT f.payment_id, f.currency, greatest(sum(f.amount_minor), max(f.told_minor)) AS minor, max(f.updated_at) AS at
  FROM (SELECT payment_id, currency, amount_minor, payment_refunded_minor AS told_minor, updated_at FROM refunds
        WHERE status = 'processed' AND payment_id IS NOT NULL
        UNION ALL
        SELECT payment_id, currency, amount_minor, NULL, updated_at FROM disputes WHERE status = 'lost' AND payment_id IS NOT NULL) f
  GROUP BY f.payment_id, f.currency
), broken AS (
  SELECT 'refunded-purchase-runs' AS code, p.id, y.updated_at AS at
  FROM payments y
  JOIN student_course_purchases p ON p.payment_id = y.id AND p.is_active
  WHERE y.status = 'refunded' AND y.updated_at < $1::timestamptz - make_interval(secs => $2)
    AND NOT EXISTS (SELECT FROM payment_cases k WHERE k.payment_id = y.id AND k.status = 'open')
  UNION ALL
  SELECT 'refund-not-applied', y.id, b.at
  FROM back b
  JOIN payments y ON y.id = b.payment_id AND y.currency = b.currency
  WHERE y.status = 'succeeded' AND y.amount_cents > 0 AND b.minor >= y.amount_cents
    AND b.at < $1::timestamptz - make_interval(secs => $2)
    AND NOT EXISTS (SELECT FROM payment_cases k WHERE k.payment_id = y.id AND k.status = 'open')
  UNION ALL
  SELECT 'ended-purchase-has-trainer', p.id, p.ended_at
  FROM student_course_purchases p
  JOIN trainer_allocations a ON a.student_id = p.student_id AND a.course_id = p.course_id AND a.status IN ('approved', 'active')
  WHERE p.end_reason IN ('refunded', 'dispute_lost') AND p.ended_at < $1::timestamptz - make_interval(secs => $2)
    AND NOT EXISTS (SELECT FROM student_course_purchases o WHERE o.student_id = p.student_id AND o.course_id = p.course_id AND o.is_active)
  UNION ALL
  SELECT 'refund-of-unknown-payment', r.id, r.created_at
  FROM refunds r
  WHERE r.payment_id IS NULL AND r.payment_intent_id IS NULL AND r.created_at < $1::timestamptz - interval '1 hour'
  UNION ALL
  SELECT 'dispute-open', coalesce(d.payment_id, d.id), d.created_at
  FROM disputes d
  WHERE d.status IN ('open', 'under_review', 'action_required')
)
SELECT code AS "code!", count(*) AS "count!", (array_agg(id::text ORDER BY at, id))[1:20] AS "examples!: Vec<String>",
       min(at) AS oldest_at
FROM broken GROUP BY code
