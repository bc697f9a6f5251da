-- Active purchases older than two minutes whose student and course have no allocation, the $1 oldest of those that may be
-- announced now. A completed allocation of the purchase counts: the course was held to its end.
SELECT p.id AS purchase_id, p.student_id, p.course_id, p.purchase_tier, p.metadata,
       COALESCE(p.payment_id, y.id, p.id) AS "correlation_id!"
FROM student_course_purchases p
LEFT JOIN LATERAL (
  SELECT y.id FROM payments y
  WHERE p.payment_id IS NULL AND y.student_id = p.student_id AND y.status = 'succeeded'
    AND y.metadata ->> 'courseId' = p.course_id::text
  ORDER BY y.created_at, y.id
  LIMIT 1) y ON true
WHERE p.is_active
  AND p.created_at < now() - interval '2 minutes'
  AND NOT EXISTS (SELECT FROM trainer_allocations a
                  WHERE a.student_id = p.student_id AND a.course_id = p.course_id
                    AND (a.status IN ('approved', 'active', 'pending')
                         OR a.status = 'completed'
                            AND (a.created_at >= p.created_at OR a.metadata ->> 'purchaseId' = p.id::text)))
  AND NOT EXISTS (SELECT FROM outbox o
                  WHERE o.event_id = 'purchase-created-' || p.id
                    AND (o.published_at IS NULL OR o.published_at > now() - interval '4 minutes'))
  AND NOT EXISTS (SELECT FROM dead_letters d
                  WHERE d.status = 'parked' AND d.event_id = 'purchase-created-' || p.id
                    AND (d.permanent OR d.parked_at > now() - interval '1 hour'))
ORDER BY p.created_at, p.id
LIMIT $1
