-- G2: purchases without allocation, and allocations for which no trainer is free. $1 is now, $2 the grace in seconds.
-- A completed allocation of the purchase counts: the course was held to its end.
WITH broken AS (
  SELECT 'purchase-without-allocation' AS code, p.id, p.created_at AS at
  FROM student_course_purchases p
  WHERE p.is_active
    AND p.created_at NOT BETWEEN $1::timestamptz - make_interval(secs => $2) AND $1 + interval '10 minutes'
    AND NOT EXISTS (SELECT FROM trainer_allocations a
                    WHERE a.student_id = p.student_id AND a.course_id = p.course_id
                      AND (a.status IN ('approved', 'active', 'pending')
                           OR a.status = 'completed'
                              AND (a.created_at >= p.created_at OR makegood_object(a.metadata) ->> 'purchaseId' = p.id::text)))
  UNION ALL
  SELECT 'allocation-pending', a.id, a.requested_at
  FROM trainer_allocations a
  WHERE a.status = 'pending'
    AND NOT EXISTS (SELECT FROM trainer_allocations h
                    WHERE h.student_id = a.student_id AND h.course_id = a.course_id AND h.status IN ('approved', 'active'))
)
SELECT code AS "code!", count(*) AS "count!", (array_agg(id::text ORDER BY at, id))[1:20] AS "examples!: Vec<String>",
       min(at) FILTER (WHERE isfinite(at)) AS oldest_at
FROM broken GROUP BY code
