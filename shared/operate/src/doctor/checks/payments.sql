-- G1: payments whose course can't be read, purchases whose payment is on record as not succeeded (for
-- refunded ones see returned.sql), and payments of the last week that
-- were fulfilled on a provider's notes alone. $1 is now, $2 the grace in
-- seconds, $3 the programs that resolve cases. Payments without purchase are found by the rule that reconcile has, too
-- (shared/makegood/src/unfulfilled); a case answers as there.
WITH broken AS (
  SELECT 'payment-course-unreadable' AS code, y.id, coalesce(y.confirmed_at, y.created_at) AS at
  FROM payments y
  WHERE y.status = 'succeeded'
    AND makegood_object(y.metadata) ->> 'courseId' !~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
    AND coalesce(y.confirmed_at, y.created_at) NOT BETWEEN $1::timestamptz - make_interval(secs => $2) AND $1 + interval '10 minutes'
    AND NOT EXISTS (SELECT FROM student_course_purchases p WHERE p.payment_id = y.id)
    AND NOT EXISTS (SELECT FROM purchase_extensions x WHERE x.payment_id = y.id)
    AND NOT EXISTS (SELECT FROM payment_cases k
                    WHERE k.payment_id = y.id
                      AND (k.status = 'open'
                           OR coalesce(k.resolved_by, '') <> ALL ($3::text[])
                              AND coalesce(k.resolved_at, 'infinity') >= coalesce(y.confirmed_at, y.created_at)))
  UNION ALL
  SELECT 'purchase-unpaid', p.id, p.created_at
  FROM payments y
  JOIN student_course_purchases p ON p.payment_id = y.id AND p.is_active
  WHERE y.status NOT IN ('succeeded', 'refunded') AND p.created_at NOT BETWEEN $1::timestamptz - make_interval(secs => $2) AND $1 + interval '10 minutes'
  UNION ALL
  SELECT 'webhook-notes-trusted', substring(a.subject FROM 9)::uuid, a.at
  FROM audit_log a
  WHERE a.action = 'payment.trust_notes' AND a.at > $1::timestamptz - interval '7 days'
)
SELECT code AS "code!", count(*) AS "count!", (array_agg(id::text ORDER BY at, id))[1:20] AS "examples!: Vec<String>",
       min(at) FILTER (WHERE isfinite(at)) AS oldest_at
FROM broken GROUP BY code
