-- Allocations for which no trainer was free, with the active purchase that wants one: the $1 that were asked for longest
-- ago, more than a minute, of those that may be published now.
SELECT p.id AS purchase_id, p.student_id, p.course_id, p.purchase_tier, p.metadata,
       COALESCE(p.payment_id, y.id, p.id) AS "correlation_id!"
FROM trainer_allocations a
JOIN LATERAL (
  SELECT p.* FROM student_course_purchases p
  WHERE p.student_id = a.student_id AND p.course_id = a.course_id AND p.is_active
  ORDER BY (p.id::text = makegood_object(a.metadata) ->> 'purchaseId') DESC, p.created_at, p.id
  LIMIT 1) p ON true
LEFT JOIN LATERAL (
  SELECT y.id FROM payments y
  WHERE p.payment_id IS NULL AND y.student_id = p.student_id AND y.status = 'succeeded'
    AND lower(makegood_object(y.metadata) ->> 'courseId') = p.course_id::text
  ORDER BY y.created_at, y.id
  LIMIT 1) y ON true
WHERE a.status = 'pending'
  AND a.updated_at NOT BETWEEN now() - interval '1 minute' AND now() + interval '10 minutes'
  AND NOT EXISTS (SELECT FROM trainer_allocations h
                  WHERE h.student_id = a.student_id AND h.course_id = a.course_id AND h.status IN ('approved', 'active'))
  AND NOT EXISTS (SELECT FROM outbox o
                  WHERE o.event_id = 'purchase-created-' || p.id
                    AND (o.published_at IS NULL OR o.published_at > now() - interval '4 minutes'))
  AND NOT EXISTS (SELECT FROM dead_letters d
                  WHERE d.status = 'parked' AND d.event_id = 'purchase-created-' || p.id
                    AND (d.permanent OR d.parked_at > now() - interval '1 hour'))
ORDER BY a.updated_at, a.id
LIMIT $1
