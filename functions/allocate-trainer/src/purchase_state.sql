-- For each purchase of the batch, in order: the purchase itself, the allocation that its student and course have, and
-- whether that was published, whether the course was held to its end (which is no reason for another trainer), and which allocation of
-- this purchase has lost its trainer last. Where legacy duplicates stand side by side, the oldest counts.
SELECT p.student_id AS "student_id?", p.course_id AS "course_id?", p.payment_id, p.purchase_tier AS "purchase_tier?",
       coalesce((SELECT sum(x.sessions) FROM purchase_extensions x WHERE x.purchase_id = p.id), 0)::integer AS "added!",
       coalesce((SELECT sum(x.sessions) FROM purchase_reductions x WHERE x.purchase_id = p.id), 0)::integer AS "reduced!",
       p.is_active AS "is_active?", p.metadata, h.id AS "held_id?", h.trainer_id AS "held_trainer?",
       (h.id IS NOT NULL
        AND (EXISTS (SELECT FROM outbox o WHERE o.event_id = 'trainer-allocated-' || h.id)
             OR EXISTS (SELECT FROM tutoring_sessions s WHERE s.allocation_id = h.id))) AS "published!",
       EXISTS (SELECT FROM trainer_allocations c
               WHERE c.student_id = p.student_id AND c.course_id = p.course_id AND c.status = 'completed'
                 AND (c.created_at >= p.created_at OR makegood_object(c.metadata) ->> 'purchaseId' = p.id::text)) AS "completed!",
       l.id AS "lost_id?", (extract(epoch FROM l.allocated_at) * 1000000)::bigint AS lost_since_micros
FROM unnest($1::uuid[]) WITH ORDINALITY AS r (purchase_id, ordinal)
LEFT JOIN student_course_purchases p ON p.id = r.purchase_id
LEFT JOIN LATERAL (
  SELECT a.id, a.trainer_id
  FROM trainer_allocations a
  WHERE a.student_id = p.student_id AND a.course_id = p.course_id AND a.status IN ('approved', 'active')
  ORDER BY a.created_at, a.id
  LIMIT 1) h ON true
LEFT JOIN LATERAL (
  SELECT a.id, a.allocated_at
  FROM trainer_allocations a
  WHERE a.student_id = p.student_id AND a.course_id = p.course_id
    AND (a.status IN ('cancelled', 'rejected') OR a.status IN ('approved', 'active') AND a.trainer_id IS NULL)
    AND coalesce(makegood_object(a.metadata) ->> 'purchaseId' = p.id::text, a.created_at >= p.created_at)
  ORDER BY coalesce(a.allocated_at, a.created_at) DESC, a.id
  LIMIT 1) l ON true
ORDER BY r.ordinal
