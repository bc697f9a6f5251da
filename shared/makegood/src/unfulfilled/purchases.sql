-- Which of these purchases ($1) are active, older than $3 seconds at $2, and of a student and course without allocation. A completed
-- allocation of the purchase counts: the course was held to its end.
SELECT p.id AS "id!", p.student_id AS "student_id!", p.course_id AS "course_id!", p.purchase_tier AS "purchase_tier!", p.metadata,
       COALESCE(p.payment_id, y.id, p.id) AS "correlation_id!", p.created_at AS "since!",
       NOT EXISTS (SELECT FROM outbox o
                   WHERE o.event_id = 'purchase-created-' || p.id
                     AND (o.published_at IS NULL OR o.published_at > now() - interval '4 minutes') OFFSET 0)
       AND NOT EXISTS (SELECT FROM dead_letters d
                       WHERE d.status = 'parked' AND d.event_id = 'purchase-created-' || p.id
                         AND (d.permanent OR d.parked_at > now() - interval '1 hour')
                         -- An event that differed from the row says nothing about the row.
                         AND coalesce(d.error_code, '') !~ '^(payment_not_(recorded|succeeded)|(payment|purchase|allocation)_[a-z]+_differs?)$' OFFSET 0) AS "is_due!"
FROM (SELECT DISTINCT u.id::uuid AS id FROM unnest($1::text[]) u (id)) i
JOIN student_course_purchases p ON p.id = i.id
LEFT JOIN LATERAL (
  SELECT y.id FROM payments y
  WHERE p.payment_id IS NULL AND y.student_id = p.student_id AND y.status = 'succeeded'
    AND lower(makegood_object(y.metadata) ->> 'courseId') = p.course_id::text
  ORDER BY y.created_at, y.id
  LIMIT 1) y ON true
WHERE p.is_active
  AND p.created_at NOT BETWEEN $2::timestamptz - make_interval(secs => $3) AND $2 + interval '10 minutes'
  AND NOT EXISTS (SELECT FROM trainer_allocations a
                  WHERE a.student_id = p.student_id AND a.course_id = p.course_id
                    AND (a.status IN ('approved', 'active', 'pending')
                         OR a.status = 'completed'
                            AND (a.created_at >= p.created_at OR makegood_object(a.metadata) ->> 'purchaseId' = p.id::text))
                  OFFSET 0)
ORDER BY p.created_at, p.id
